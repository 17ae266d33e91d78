// What buyer and stall both see of an order.

import { h } from "./dom.js";
import { dong, when } from "./money.js";
import { t } from "./strings.js";

const KG = new Intl.NumberFormat("vi-VN", { maximumFractionDigits: 3 });
const GOOD = ["PAID", "HELD", "READY", "PICKED_UP", "DELIVERED"];

/** "1,5 kg". */
export const weight = (grams) => `${KG.format(Number(grams) / 1000)} kg`;

/** How much of a line was ordered, and what it weighed. */
export function howMuch(line) {
  if (!Number(line.grams_per_unit)) return `${line.quantity} ${line.unit}`;
  if (line.final_grams === undefined || line.final_grams === null) return weight(line.grams);
  return t("order.weighed", { ordered: weight(line.grams), final: weight(line.final_grams) });
}

/** An order's lines, its money, where it goes, and what has happened. */
export function facts(order) {
  return h("section", { class: "card" },
    order.lines.map((line) => h("p", {}, `${howMuch(line)} ${line.name} · `, h("span", { class: "number" }, dong(line.total)),
      Number(line.given_back) ? h("span", { class: "soft small" }, ` · ${t("order.given-back", { amount: dong(line.given_back) })}`) : null)),
    h("p", { class: "number big" }, dong(order.total)),
    h("p", { class: tone(order.state), id: "order-state" }, t(`order.${order.state}`)),
    Number(order.held) ? h("p", { class: "soft" }, t("order.held", { amount: dong(order.held) })) : null,
    Number(order.refunding) ? h("p", { class: "soft" }, t("order.refunding", { amount: dong(order.refunding) })) : null,
    order.deliver_to ? h("p", {}, t("order.to", { where: order.deliver_to })) : null,
    order.carrier ? h("p", { class: "soft" }, t("order.carrier", { carrier: order.carrier, code: order.tracking_code })) : null);
}

const FETCHED = ["PLACED", "PAID", "PREPARING", "READY", "PICKED_UP"];
const CARRIED = ["PLACED", "PAID", "PREPARING", "READY", "HANDED_OVER", "DELIVERED"];
// Steps that have more than one name.
const SAME = { UNDERPAID: "PLACED", HELD: "PAID" };

/** How far an order is on its way to the buyer; null where it is not on its way any more. */
export function steps(order) {
  const way = order.fulfilment === "FULFILMENT_DELIVERY" ? CARRIED : FETCHED;
  const state = order.state.replace("ORDER_STATE_", "");
  const at = way.indexOf(SAME[state] ?? state);
  if (at < 0) return null;
  return h("ol", { class: "steps", id: "steps", "aria-label": t("steps") }, way.map((step, i) => h("li", { class: i < at ? "past" : "", "aria-current": i === at ? "step" : false }, t(`step.${step}`))));
}

/** What happened, the newest first. */
export function happened(order) {
  return h("ul", { class: "rows", id: "happened" }, [...order.history].reverse().map((one) => h("li", {},
    h("span", { class: "soft small" }, when(one.at)),
    h("span", { class: "grow" }, t(`happened.${one.event}`), " ", h("span", { class: "soft small" }, t(`who.${one.who}`)),
      one.reason ? h("span", { class: "small" }, `: ${one.reason}`) : null))));
}

export function tone(state) {
  return GOOD.includes(state.replace("ORDER_STATE_", "")) ? "good" : "bad";
}
