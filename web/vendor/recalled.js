// A lot of the stall's that is recalled: what to do with it, and who ordered of it.

import { get } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { when } from "../shared/money.js";
import { howMuch } from "../shared/order.js";
import { recallOf } from "../shared/recall.js";
import { go, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";

const STATES = ["PLACED", "UNDERPAID", "HELD", "PAID", "PREPARING", "READY", "HANDED_OVER", "PICKED_UP", "DELIVERED", "RETURN_ASKED", "RETURNED", "REFUNDED", "CANCELLED"];
// Of each state, the newest: what a page has.
const NEWEST = 50;

/** What a recalled lot's card says first. */
export function recalledLot(product, merchantId) {
  const place = h("div", { class: "stack" });
  show(place, button(t("recall.orders"), async () => {
    try {
      show(place, await orders(product, merchantId));
    } catch (error) {
      show(place, refused(error));
    }
  }));
  return h("div", { class: "alarm stack" },
    h("p", { class: "name" }, t("recall.lot")), h("p", {}, t("recall.lot.do")), place);
}

async function orders(product, merchantId) {
  const asked = await Promise.all(STATES.map((state) => get(`/v1/merchants/${merchantId}/orders`, { state: `ORDER_STATE_${state}`, page_size: NEWEST })));
  const found = asked.flatMap((one) => one.orders).filter((order) => recallOf(order) !== null && order.lines.some((line) => line.product_id === product.product_id));
  const more = asked.some((one) => one.next_page_token);
  return [
    found.length ? h("ul", { class: "rows", id: "recalled" }, found.map((order) => row(order, product))) : h("p", { class: "soft" }, t("recall.orders.none")),
    more ? h("p", { class: "soft small" }, t("recall.orders.newest", { newest: NEWEST })) : null];
}

function row(order, product) {
  const line = order.lines.find((one) => one.product_id === product.product_id);
  return h("li", {}, h("span", { class: "soft small" }, when(order.placed_at)),
    h("span", { class: "grow" }, h("span", { class: "number" }, order.code), ` · ${howMuch(line)} · `, t(`order.${order.state}`)),
    button(t("draft.open"), () => go("orders", order.order_id), { "aria-label": t("order", { reference: order.code }) }));
}
