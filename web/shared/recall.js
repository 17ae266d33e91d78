// What is recalled of an order: not to be eaten, not to be given to anybody; and what happens with the money.

import { h } from "./dom.js";
import { dong } from "./money.js";
import { t } from "./strings.js";

const SAYS = ["stopped", "recalled", "recall_withdrawn"];
const NEVER_PAID = ["PLACED", "EXPIRED"];

/** The reason that a recall names, where one holds; null where nothing of the order is recalled, or not any more. */
export function recallOf(order) {
  const last = order.history.findLast((one) => SAYS.includes(one.event));
  return last && last.event !== "recall_withdrawn" ? last.reason : null;
}

/** In large words, first of all that is said of an order; null where nothing of it is recalled. `who`: "buyer", "seller". */
export function recallNotice(order, who) {
  const reason = recallOf(order);
  if (reason === null) return null;
  return h("section", { class: "card alarm stack", id: "recall", role: "alert" },
    h("p", { class: "name" }, t(`recall.${who}`, { names: names(order) })),
    h("p", {}, t("recall.reason", { reason })),
    h("p", {}, who === "buyer" ? money(order) : t("recall.seller.do")));
}

/** Of which of its goods: those that are kept back or cost nothing any more; of an order that was called off, all. */
function names(order) {
  const stopped = new Set(order.stopped_product_ids);
  const lines = order.lines.filter((line) => line.recalled || stopped.has(line.product_id));
  return (lines.length ? lines : order.lines).map((line) => line.name).join(", ");
}

function money(order) {
  const state = order.state.replace("ORDER_STATE_", "");
  if (NEVER_PAID.includes(state)) return t(state === "PLACED" ? "recall.money.do-not-pay" : "recall.money.unpaid");
  if (order.stopped_product_ids.length) return t("recall.money.waits");
  if (Number(order.refunding)) return t("recall.money.going", { amount: dong(order.refunding) });
  return t(order.payment_ids.length ? "recall.money.done" : "recall.money.unpaid");
}
