// The basket on the screen: each stall's goods, how they are paid and fetched, and one button.

import { newKey, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { weight } from "../shared/order.js";
import { askSignIn, go, refused, user } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { priceOf, weighed } from "./basket.js";

// What was asked for and has no answer yet: asked for once more, also from a basket that is drawn anew, it is the same order.
let asked = { words: "", id: "" };
// Who is refused before anything is looked at has no answer, either.
const NOT_LOOKED_AT = [401, 429];

/** `draw` is called when the basket has changed. */
export function cart(basket, draw) {
  if (!basket.size) return h("p", { class: "soft" }, t("cart.none"));
  const stalls = byStall(basket.all());
  return h("div", { class: "stack" },
    [...stalls].map(([, lines]) => h("section", { class: "card" }, h("p", { class: "number" }, t("cart.of", { stall: lines[0].product.merchant_name })),
      lines.map((line) => row(line, basket, draw)))),
    h("p", { class: "number big", id: "cart-total" }, dong(total(basket))),
    user() ? ordering(basket, stalls) : button(t("cart.sign-in"), askSignIn, { class: "main" }));
}

const total = (basket) => basket.all().reduce((sum, line) => sum + priceOf(line), 0);

/** Where thumbs reach it: what the basket comes to, and the way to it. */
export function short(basket, footer) {
  if (!basket.size) return null;
  return button(t("cart.short", { count: basket.size, total: dong(total(basket)) }), () => footer.scrollIntoView(), { class: "main" });
}

/** What is said of goods that cost something else by now, or are gone; null where nothing is. */
export function changes({ dearer, cheaper, gone }) {
  const said = [["cart.dearer", dearer], ["cart.cheaper", cheaper], ["cart.gone", gone]].filter(([, products]) => products.length)
    .map(([name, products]) => h("p", { class: "banner away", role: "status" }, t(name, { names: products.map((one) => one.name).join(", ") })));
  return said.length ? said : null;
}

function ordering(basket, stalls) {
  const said = h("div", {});
  // Drawn anew with each tap: what was chosen before stays.
  const { how } = basket;
  const hold = h("input", { type: "checkbox", id: "hold", checked: how.hold ?? basket.all().some(({ product }) => weighed(product)) });
  const deliver = field(t("cart.deliver"), { id: "deliver", maxlength: 200, value: how.deliver ?? "" }, t("cart.deliver.hint"));
  hold.addEventListener("input", () => { how.hold = hold.checked; });
  deliver.addEventListener("input", (event) => { how.deliver = event.target.value; });
  return h("div", { class: "stack" },
    h("div", { class: "field check" }, hold, h("label", { for: "hold" }, t("cart.hold"))),
    deliver, said,
    button(t("cart.order"), async () => {
      const where = deliver.querySelector("input").value.trim();
      const body = {
        pay: hold.checked ? "PAY_BY_HOLD" : "PAY_BY_QR",
        stalls: [...stalls].map(([merchantId, lines]) => ({
          merchant_id: merchantId,
          fulfilment: where ? "FULFILMENT_DELIVERY" : "FULFILMENT_PICKUP",
          deliver_to: where,
          items: lines.map(({ product, quantity }) => ({ product_id: product.product_id, quantity, price: product.price })),
        })),
      };
      const words = JSON.stringify(body);
      if (asked.words !== words) asked = { words, id: newKey() };
      try {
        const { orders } = await post("/v1/checkouts", { request_id: asked.id, ...body });
        asked = { words: "", id: "" };
        basket.clear();
        if (orders.length === 1) go("orders", orders[0].order_id);
        else go("orders");
      } catch (error) {
        // A refusal is this request's answer for good: who tries again later asks anew.
        if (!error.again && !NOT_LOOKED_AT.includes(error.status)) asked = { words: "", id: "" };
        show(said, refused(error));
      }
    }, { class: "main" }));
}

function row(line, basket, draw) {
  const { product, quantity } = line;
  const to = (change) => () => { change(); draw(); };
  return h("div", { class: "line" },
    h("p", {}, `${weighed(product) ? weight(quantity) : `${quantity} ${product.unit}`} ${product.name} · `, h("span", { class: "number" }, dong(priceOf(line)))),
    button("−", to(() => basket.less(line)), { class: "plain", "aria-label": `− ${product.name}` }),
    button("+", to(() => basket.add(product)), { class: "plain", "aria-label": `+ ${product.name}` }));
}

function byStall(lines) {
  const groups = new Map();
  for (const one of lines) groups.set(one.product.merchant_id, [...(groups.get(one.product.merchant_id) ?? []), one]);
  return groups;
}
