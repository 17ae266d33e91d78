// The day's end in one look: what came in, when, what went back, what it cost, what is still to be done.

import { get } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { button, h, show } from "../shared/dom.js";
import { day, dong, hour, startOfToday } from "../shared/money.js";
import { go, head } from "../shared/shell.js";
import { soundIsOn, speak, wakeSound } from "../shared/sound.js";
import { t } from "../shared/strings.js";
import { amountInWords } from "../shared/words.js";
import { stall } from "./stall.js";
import { summed } from "./sums.js";

const PAGE = 200;
// More than a stall's busiest day; of more, it says so.
const PAGES_MAX = 25;
const DAY_MS = 86_400_000;
const WAITING = ["PAID", "HELD", "PREPARING", "READY"];

export async function screen(place) {
  const mine = await stall();
  const [{ lines, complete }, before, orders] = await Promise.all([today(mine), yesterday(mine), waiting(mine)]);
  const sums = summed(lines, hour);
  show(place, head(t("evening")),
    h("p", { class: "soft" }, `${mine.name} · ${day(now()).split("-").reverse().join("/")}`),
    complete ? null : h("p", { class: "banner away" }, t("evening.not-all", { count: lines.length })),
    h("section", { class: "card center" }, h("p", { class: "soft" }, t("evening.received")), h("p", { class: "number big", id: "evening-received" }, dong(sums.received)),
      h("p", { class: "soft" }, t("evening.count", { count: sums.count, mean: dong(sums.count ? Math.round(sums.received / sums.count) : 0) })),
      h("p", { class: "soft small" }, t("evening.before", { amount: dong(before) }))),
    h("section", { class: "card" }, figures([["evening.refunds", dong(sums.refunds)], ["evening.fees", dong(sums.fees)], ["evening.largest", dong(sums.largest)], ["evening.orders", orders.text]])),
    orders.count ? button(t("orders"), () => go("orders")) : null,
    h("h2", {}, t("evening.hours")), hours(sums.hours),
    button(t("evening.say"), () => aloud(sums)),
    button(t("evening.print"), () => window.print()));
  return null;
}

/** Every line of today, the newest first, and whether these are all. */
async function today(mine) {
  const lines = [];
  let token = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const found = await get(`/v1/accounts/${mine.merchant_id}/statement`, { from: startOfToday().toISOString(), page_size: PAGE, page_token: token });
    lines.push(...found.lines);
    token = found.next_page_token;
    if (!token) return { lines, complete: true };
  }
  return { lines, complete: false };
}

/** What came in on the day before, đồng. */
async function yesterday(mine) {
  const until = startOfToday();
  const from = new Date(until.getTime() - DAY_MS);
  const found = await get(`/v1/accounts/${mine.merchant_id}/statement`, { from: from.toISOString(), until: until.toISOString(), page_size: 1 });
  return Number(found.total_in);
}

/** How many orders wait for the stall, and as it is said: "60+" where they are more than a page of some state. */
async function waiting(mine) {
  const found = await Promise.all(WAITING.map((state) => get(`/v1/merchants/${mine.merchant_id}/orders`, { state: `ORDER_STATE_${state}`, page_size: 50 })));
  const count = found.reduce((sum, { orders }) => sum + orders.length, 0);
  return { count, text: `${count}${found.some((one) => one.next_page_token) ? "+" : ""}` };
}

function figures(rows) {
  return h("dl", { class: "facts" }, rows.map(([name, value]) => h("div", {}, h("dt", { class: "soft" }, t(name)), h("dd", { class: "number" }, value))));
}

function hours(counts) {
  if (!counts.length) return h("p", { class: "card soft" }, t("last.none"));
  const most = Math.max(...counts.map((one) => one.amount));
  return h("ul", { class: "hours card", id: "hours" }, counts.map((one) => {
    const bar = h("span", { class: "bar", "aria-hidden": true });
    bar.style.width = `${(100 * one.amount) / most}%`;
    return h("li", { class: one.amount === most ? "most" : "" }, h("span", {}, t("evening.hour", { hour: one.hour })), bar, h("span", { class: "number" }, dong(one.amount)));
  }));
}

function aloud(sums) {
  if (!soundIsOn()) {
    localStorage.setItem("cho.sound", "on");
    wakeSound();
  }
  speak(t("say.EVENING", { count: sums.count, words: amountInWords(sums.received) }));
}
