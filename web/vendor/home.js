// Received today, the last payments, and the announcement.

import { ApiError, get } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { button, h, show, tell } from "../shared/dom.js";
import { day, dong, startOfToday, when } from "../shared/money.js";
import { unanswered } from "../shared/pay.js";
import { go, head, signOut } from "../shared/shell.js";
import { chime, soundIsOn, speak, voice, wakeSound } from "../shared/sound.js";
import { listen } from "../shared/stream.js";
import { t, tOf } from "../shared/strings.js";
import { caughtUp, saying } from "./announcement.js";
import { choose, stall, stalls } from "./stall.js";

const SHOWN_MAX = 30;
// An event that is older when it is heard came while nobody listened.
const FRESH_MS = 30_000;
// Payments that are added to a statement before a newer one is asked for.
const SINCE_MAX = 1_000;

export async function screen(place) {
  const all = await stalls();
  const mine = await stall(all);
  if (!mine) return choice(place, all);
  const active = mine.state === "MERCHANT_STATE_ACTIVE";
  const parts = {
    state: h("div", { role: "status" }),
    received: h("p", { class: "number big" }, "…"),
    count: h("p", { class: "soft" }, " "),
    rows: h("ul", { class: "rows", id: "payments" }),
    sound: h("div", {}),
    missed: h("div", {}),
  };
  show(place,
    head(mine.name, false),
    unanswered(),
    active ? parts.state : h("p", { class: "banner refused" }, t("stall.state", { state: tOf("state", mine.state) })),
    parts.missed,
    h("section", { class: "card center" }, h("p", { class: "soft" }, t("received.today")), parts.received, parts.count),
    parts.sound,
    h("div", { class: "grid" },
      button(t("ask"), () => go("ask"), { class: "main" }),
      button(t("qr"), () => go("qr")),
      button(t("redeem"), () => go("redeem")),
      button(t("day"), () => go("day")),
      button(t("products"), () => go("products")),
      button(t("orders"), () => go("orders")),
      button(t("ratings"), () => go("ratings")),
      button(t("live"), () => go("live"))),
    h("h2", {}, t("last")),
    parts.rows,
    all.length > 1 ? button(t("stall.choose"), () => choice(place, all), { class: "plain" }) : null,
    h("p", { class: "center" }, button(t("sign-out"), signOut, { class: "plain small" })));
  soundButton(parts.sound);
  if (!active) return null;
  const heard = `cho.heard.${mine.merchant_id}`;
  const board = new Board(mine.merchant_id, parts, Number(localStorage.getItem(heard)));
  await board.load();
  const stop = listen(`/v1/merchants/${mine.merchant_id}/announcements`, heard, board, board.from());
  const look = () => board.turn();
  document.addEventListener("visibilitychange", look);
  return () => {
    document.removeEventListener("visibilitychange", look);
    stop();
  };
}

/**
 * What the page knows of a day: its statement, as of the ledger's sequence number `seq`, and the payments that were
 * announced `since`. Announcements come in the ledger's order; up to `told`, this phone has said them.
 */
class Board {
  constructor(merchantId, parts, told) {
    Object.assign(this, { merchantId, parts, told, day: "", seq: 0, total: 0, back: 0, count: 0, more: false });
    Object.assign(this, { since: [], last: 0, loading: null, away: null, missed: [] });
  }

  async load() {
    const at = now();
    const from = startOfToday(at).toISOString();
    const statement = await get(`/v1/accounts/${this.merchantId}/statement`, { from, page_size: SHOWN_MAX });
    const paid = await get(`/v1/accounts/${this.merchantId}/transfers`, { limit: SHOWN_MAX });
    Object.assign(this, { day: day(at), seq: Number(statement.as_of_seq), more: statement.next_page_token !== "" });
    Object.assign(this, { total: Number(statement.total_in), back: Number(statement.total_out) });
    this.count = statement.lines.filter((line) => line.direction === "DIRECTION_IN").length;
    this.told ||= this.seq;
    this.since = this.since.filter((one) => one.seq > this.seq);
    this.totals();
    // What the statement has not counted yet comes with its announcement: shown now, it would be neither added nor said.
    const counted = paid.transfers.filter((one) => Number(one.seq) <= this.seq && Date.parse(one.at) >= Date.parse(from)).filter(isSale);
    const todays = [...this.todays().reverse(), ...counted].slice(0, SHOWN_MAX);
    show(this.parts.rows, todays.map((one) => this.row(one)));
    if (!todays.length) show(this.parts.rows, h("li", { class: "soft", id: "nothing" }, t("last.none")));
  }

  /** The id to listen from: a statement may be behind what this phone has heard, and then lacks it. */
  from() {
    return String(Math.min(this.told, this.seq));
  }

  /** Where the statement is another day's, or old, a newer one is asked for; another day's is not counted until then. */
  async turn() {
    const over = this.day !== day(now());
    if (!over && this.since.length < SINCE_MAX) return;
    if (over) Object.assign(this, { total: 0, back: 0, count: 0, more: false });
    this.totals();
    this.loading ??= this.load().finally(() => { this.loading = null; });
    try {
      await this.loading;
    } catch (error) {
      // Asked for again with the next payment, or once there is a network.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  todays() {
    const from = startOfToday();
    return this.since.filter((one) => Date.parse(one.at) >= from);
  }

  totals() {
    let { total, back, count } = this;
    for (const one of this.todays()) {
      const amount = Number(one.amount) - Number(one.fee);
      if (one.type === "payment.refunded") back += amount;
      else {
        total += amount;
        count += 1;
      }
    }
    this.parts.received.textContent = dong(total);
    this.parts.count.textContent = t("received.count", { count: `${count}${this.more ? "+" : ""}`, back: dong(back) });
  }

  row(one) {
    const given = one.kind === "TRANSFER_KIND_REFUND" || one.type === "payment.refunded";
    return h("li", { "data-id": one.transfer_id },
      h("span", { class: "soft small" }, when(one.at)),
      h("span", { class: "grow" },
        h("span", { class: "number" }, given ? `− ${dong(one.amount)}` : dong(one.amount)), " ",
        verdict(one), given ? h("span", { class: "soft" }, t("refunded")) : null,
        one.reference ? h("span", { class: "soft small" }, ` · ${t("order", { reference: one.reference })}`) : null),
      h("span", { class: "number", title: t("code") }, one.code),
      given ? null : button("⋯", () => go("refund", one.transfer_id), { "aria-label": t("refund"), class: "plain" }));
  }

  event(type, event) {
    if (event.seq <= this.last) return;
    this.last = event.seq;
    // What the statement has counted is not counted again, and is in the list.
    if (event.seq > this.seq) this.add(event);
    this.turn();
    if (event.seq <= this.told) return;
    if (now() - Date.parse(event.at) > FRESH_MS) this.missed.push(event);
    else this.say(event);
    clearTimeout(this.telling);
    if (this.missed.length) this.telling = setTimeout(() => this.tellMissed(), 500);
  }

  add(event) {
    this.since.push(event);
    this.totals();
    this.parts.rows.querySelector("#nothing")?.remove();
    const row = this.row(event);
    row.classList.add("new");
    this.parts.rows.prepend(row);
    while (this.parts.rows.children.length > SHOWN_MAX) this.parts.rows.lastElementChild.remove();
  }

  say(event) {
    const { text, sound } = saying(event);
    tell(text);
    chime(sound);
    speak(text);
  }

  /** One sentence for all that came meanwhile: a hundred old payments are not read out. */
  tellMissed() {
    const { count, total } = caughtUp(this.missed);
    this.missed = [];
    if (!count) return;
    show(this.parts.missed, h("p", { class: "banner here" }, t("caught-up", { count, total: dong(total) })));
    chime("good");
  }

  state(line) {
    if (line === "listening") {
      this.away = null;
      this.turn();
      show(this.parts.state, h("p", { class: "banner here", id: "state" }, `● ${t("listening")}`));
    } else {
      this.away ??= now();
      show(this.parts.state, h("p", { class: "banner away", id: "state" }, t("away", { time: when(this.away) })));
    }
  }
}

const isSale = (one) => ["TRANSFER_KIND_PAYMENT", "TRANSFER_KIND_CAPTURE", "TRANSFER_KIND_REFUND"].includes(one.kind);

function verdict(one) {
  const [amount, asked] = [Number(one.amount), Number(one.asked ?? 0)];
  const values = { missing: dong(asked - amount), more: dong(amount - asked) };
  if (!["FULL", "SHORT", "OVER"].includes(one.verdict)) return null;
  return h("span", { class: one.verdict === "SHORT" ? "bad" : "good" }, t(`verdict.${one.verdict}`, values));
}

function soundButton(place) {
  const on = soundIsOn();
  show(place, button(t(on ? "sound.off" : "sound.on"), () => {
    localStorage.setItem("cho.sound", on ? "off" : "on");
    wakeSound();
    chime("good");
    soundButton(place);
  }, { class: on ? "" : "main" }), on && !voice() ? h("p", { class: "hint" }, t("sound.no-voice")) : null);
}

function choice(place, all) {
  show(place, head(t("app.vendor"), false),
    all.length ? h("h2", {}, t("stall.choose")) : h("p", { class: "card" }, t("stall.none")),
    h("div", { class: "stack" }, all.map((one) => button(`${one.name} · ${one.market_name} · ${one.stall}`, async () => {
      choose(one.merchant_id);
      show(place);
      // The screen begins anew, with its stall.
      window.dispatchEvent(new HashChangeEvent("hashchange"));
    }))),
    h("p", { class: "center" }, button(t("sign-out"), signOut, { class: "plain small" })));
  return null;
}

