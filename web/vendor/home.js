// Received today, the last payments, and the announcement.

import { get } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { button, h, show, tell } from "../shared/dom.js";
import { dong, startOfToday, when } from "../shared/money.js";
import { go, head, signOut } from "../shared/shell.js";
import { chime, soundIsOn, speak, voice, wakeSound } from "../shared/sound.js";
import { listen } from "../shared/stream.js";
import { t, tOf } from "../shared/strings.js";
import { caughtUp, saying } from "./announcement.js";
import { choose, stall, stalls } from "./stall.js";

const SHOWN_MAX = 30;
// An event that is older when it is heard came while nobody listened.
const FRESH_MS = 30_000;
// Payments that are known again when they come twice.
const SEEN_MAX = 1_000;

export async function screen(place) {
  const mine = await stall();
  if (!mine) return choice(place);
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
    h("p", { class: "center" }, button(t("sign-out"), signOut, { class: "plain small" })));
  soundButton(parts.sound);
  if (!active) return null;
  const board = new Board(mine.merchant_id, parts);
  await board.load();
  return listen(`/v1/merchants/${mine.merchant_id}/announcements`, `cho.heard.${mine.merchant_id}`, board);
}

/** What the page knows of today, kept in step with the announcements. */
class Board {
  constructor(merchantId, parts) {
    Object.assign(this, { merchantId, parts, total: 0, back: 0, count: 0, seen: new Set(), seq: 0, away: null, missed: [] });
  }

  /** From the statement: what the ledger says, read after whatever was announced. */
  async load() {
    const from = startOfToday().toISOString();
    const statement = await get(`/v1/accounts/${this.merchantId}/statement`, { from, page_size: SHOWN_MAX });
    const paid = await get(`/v1/accounts/${this.merchantId}/transfers`, { limit: SHOWN_MAX });
    this.seq = Math.max(this.seq, Number(statement.as_of_seq));
    this.total = Number(statement.total_in);
    this.back = Number(statement.total_out);
    this.count = statement.lines.filter((line) => line.direction === "DIRECTION_IN").length;
    this.more = statement.next_page_token !== "";
    this.totals();
    const todays = paid.transfers.filter((one) => Date.parse(one.at) >= Date.parse(from)).filter(isSale);
    show(this.parts.rows, todays.map((one) => this.row(one)));
    if (!todays.length) show(this.parts.rows, h("li", { class: "soft", id: "nothing" }, t("last.none")));
  }

  totals() {
    this.parts.received.textContent = dong(this.total);
    this.parts.count.textContent = t("received.count", { count: `${this.count}${this.more ? "+" : ""}`, back: dong(this.back) });
  }

  row(one) {
    this.seen.add(one.transfer_id);
    if (this.seen.size > SEEN_MAX) this.seen.delete(this.seen.values().next().value);
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
    if (this.seen.has(event.transfer_id)) return;
    this.parts.rows.querySelector("#nothing")?.remove();
    const row = this.row(event);
    row.classList.add("new");
    this.parts.rows.prepend(row);
    while (this.parts.rows.children.length > SHOWN_MAX) this.parts.rows.lastElementChild.remove();
    // What the statement has counted already is not counted again.
    if (event.seq > this.seq && Date.parse(event.at) >= startOfToday()) this.add(type, event);
    if (now() - Date.parse(event.at) > FRESH_MS) this.missed.push(event);
    else this.say(event);
    clearTimeout(this.telling);
    if (this.missed.length) this.telling = setTimeout(() => this.tellMissed(), 500);
  }

  add(type, event) {
    if (type === "payment.refunded") this.back += Number(event.amount) - Number(event.fee);
    else {
      this.total += Number(event.amount) - Number(event.fee);
      this.count += 1;
    }
    this.totals();
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

async function choice(place) {
  const all = await stalls();
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

