// What the markets sell: search, and one basket over several stalls.

import { get, newKey, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { weight } from "../shared/order.js";
import { go, head, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";

const TYPED_MS = 300;
// One tap more or less of what is weighed, grams.
const STEP_GRAMS = 250;

export async function screen(place) {
  const basket = new Map();
  const [list, more, footer, said] = [h("div", {}), h("div", {}), h("div", { id: "cart" }), h("datalist", { id: "suggested" })];
  const markets = h("select", { id: "market", "aria-label": t("market.all") }, h("option", { value: "" }, t("market.all")));
  const words = h("input", { type: "search", id: "words", list: "suggested", placeholder: t("market.search"), "aria-label": t("market.search"), maxlength: 100 });
  let turn = 0;

  async function look(token = "") {
    const mine = (turn += 1);
    const found = await get("/v1/products", { query: words.value, market_id: markets.value, page_size: 20, page_token: token });
    if (mine !== turn) return; // somebody typed on
    const cards = found.products.map((product) => card(product, basket, draw));
    if (token) list.append(...cards);
    else show(list, cards.length ? cards : h("p", { class: "card soft" }, t("market.none")));
    show(more, found.next_page_token ? button(t("older"), () => look(found.next_page_token)) : null);
    if (!token && words.value.length > 1) await suggest(mine);
  }

  async function suggest(mine) {
    const { names } = await get("/v1/products/suggest", { prefix: words.value, market_id: markets.value });
    if (mine === turn) show(said, names.map((one) => h("option", { value: one })));
  }

  const draw = () => show(footer, basket.size ? cart(basket, draw) : h("p", { class: "soft" }, t("cart.none")));
  const again = () => look().catch((error) => show(list, refused(error)));
  let timer = null;
  words.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(again, TYPED_MS);
  });
  markets.addEventListener("change", again);
  show(place, head(t("market")), h("div", { class: "stack" }, words, said, markets), list, more, h("h2", {}, t("cart")), footer);
  draw();
  const [all] = await Promise.all([get("/v1/markets"), look()]);
  markets.append(...all.markets.map((one) => h("option", { value: one.market_id }, one.name)));
  return () => clearTimeout(timer);
}

const weighed = (product) => Number(product.grams_per_unit) > 0;
const step = (product) => (weighed(product) ? STEP_GRAMS : 1);
const price = ({ product, quantity }) => Math.round((Number(product.price) * quantity) / (Number(product.grams_per_unit) || 1));

function card(product, basket, draw) {
  // Half a kilo of what is sold by the kilo is less than one, and not nothing.
  const left = Number(product.available);
  return h("section", { class: "card" },
    product.photos[0] ? h("img", { src: product.photos[0], alt: "", loading: "lazy", class: "photo" }) : null,
    h("p", { class: "number" }, product.name, Number(product.ocop_stars) ? h("span", { class: "soft small" }, ` · OCOP ${product.ocop_stars}★`) : null),
    h("p", {}, h("span", { class: "number good" }, `${dong(product.price)}/${product.unit}`), " · ",
      left ? t("product.left-now", { left: weighed(product) ? weight(left) : `${left} ${product.unit}` }) : h("span", { class: "bad" }, t("product.gone"))),
    h("p", { class: "soft small" }, product.merchant_name),
    left ? button(t("cart.add"), () => {
      const there = basket.get(product.product_id);
      basket.set(product.product_id, { product, quantity: (there?.quantity ?? 0) + (there ? step(product) : Number(product.grams_per_unit) || 1) });
      draw();
    }) : null);
}

/** All stalls' goods, how they are paid and fetched, and one button. */
function cart(basket, draw) {
  const items = [...basket.values()];
  const stalls = Map.groupBy ? Map.groupBy(items, byStall) : grouped(items);
  const said = h("div", {});
  const scales = items.some(({ product }) => weighed(product));
  const hold = h("input", { type: "checkbox", id: "hold", checked: scales });
  const deliver = field(t("cart.deliver"), { id: "deliver", maxlength: 200 }, t("cart.deliver.hint"));
  // The same tap twice is one order.
  const requestId = newKey();
  return h("div", { class: "stack" },
    [...stalls].map(([, lines]) => h("section", { class: "card" }, h("p", { class: "number" }, t("cart.of", { stall: lines[0].product.merchant_name })),
      lines.map((line) => row(line, basket, draw)))),
    h("p", { class: "number big", id: "cart-total" }, dong(items.reduce((sum, line) => sum + price(line), 0))),
    h("div", { class: "field check" }, hold, h("label", { for: "hold" }, t("cart.hold"))),
    deliver, said,
    button(t("cart.order"), async () => {
      const where = deliver.querySelector("input").value.trim();
      try {
        const { orders } = await post("/v1/checkouts", {
          request_id: requestId,
          pay: hold.checked ? "PAY_BY_HOLD" : "PAY_BY_QR",
          stalls: [...stalls].map(([merchantId, lines]) => ({
            merchant_id: merchantId,
            fulfilment: where ? "FULFILMENT_DELIVERY" : "FULFILMENT_PICKUP",
            deliver_to: where,
            items: lines.map(({ product, quantity }) => ({ product_id: product.product_id, quantity, price: product.price })),
          })),
        });
        basket.clear();
        if (orders.length === 1) go("orders", orders[0].order_id);
        else go("orders");
      } catch (error) {
        show(said, refused(error));
      }
    }, { class: "main" }));
}

function row(line, basket, draw) {
  const { product, quantity } = line;
  const to = (next) => () => {
    if (next > 0) basket.set(product.product_id, { product, quantity: next });
    else basket.delete(product.product_id);
    draw();
  };
  return h("p", {}, `${weighed(product) ? weight(quantity) : `${quantity} ${product.unit}`} ${product.name} · `, h("span", { class: "number" }, dong(price(line))), " ",
    button("−", to(quantity - step(product)), { class: "plain", "aria-label": `− ${product.name}` }),
    button("+", to(quantity + step(product)), { class: "plain", "aria-label": `+ ${product.name}` }));
}

const byStall = ({ product }) => product.merchant_id;

function grouped(items) {
  const groups = new Map();
  for (const one of items) groups.set(byStall(one), [...(groups.get(byStall(one)) ?? []), one]);
  return groups;
}
