// The basket on the screen: each stall's goods, how they are paid and fetched, and one button.

import { newKey, post } from "../shared/api.js";
import { hex, sha256 } from "../shared/bytes.js";
import { now } from "../shared/clock.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { weight } from "../shared/order.js";
import { askSignIn, go, refused, user } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { priceOf, weighed } from "./basket.js";

// What was asked for and has no answer yet: asked for once more within the hour, also from a page that was loaded anew, it is
// the same order.
const place = () => `cho.checkout.${user().user_id}`;
const ASKED_MS_MAX = 3_600_000;
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
      const kept = place(); // of who is signed in now
      try {
        const { orders } = await post("/v1/checkouts", { request_id: await requestId(body), ...body });
        localStorage.removeItem(kept);
        basket.clear();
        if (orders.length === 1) go("orders", orders[0].order_id);
        else go("orders");
      } catch (error) {
        // A refusal is this request's answer for good: who tries again later asks anew.
        if (!error.again && !NOT_LOOKED_AT.includes(error.status)) localStorage.removeItem(kept);
        show(said, refused(error));
      }
    }, { class: "main" }));
}

/** The id of what is asked for in these words, of which a hash is kept: written down before it is sent. */
async function requestId(body) {
  const words = hex(await sha256(new TextEncoder().encode(JSON.stringify(body))));
  const asked = JSON.parse(localStorage.getItem(place()) ?? "{}");
  if (asked.words === words && now() - asked.at < ASKED_MS_MAX) return asked.id;
  const id = newKey();
  localStorage.setItem(place(), JSON.stringify({ words, id, at: now().getTime() }));
  return id;
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
