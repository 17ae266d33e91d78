// One product: its photos, what it costs, where it was grown and until when it is good. Whoever has its link sees it.

import { get } from "../shared/api.js";
import { button, h, show, tell } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { latest } from "../shared/ratings.js";
import { go, head } from "../shared/shell.js";
import { language, t } from "../shared/strings.js";
import { Basket } from "./basket.js";
import { offer, stars } from "./goods.js";
import { lots } from "./lots.js";

// Prices of before that are shown, the newest first.
const PRICES_MAX = 10;

export async function screen(place, productId) {
  let product;
  try {
    ({ product } = await get(`/v1/products/${encodeURIComponent(productId)}`));
  } catch (error) {
    if (!["NOT_FOUND", "INVALID_ARGUMENT"].includes(error.code)) throw error;
    show(place, head(t("product")), gone());
    return null;
  }
  const [{ markets }, vocabulary, came, { prices }] = await Promise.all([
    get("/v1/markets"), get("/v1/catalog/vocabulary"), get(`/v1/products/${product.product_id}/lots`), get(`/v1/products/${product.product_id}/prices`),
  ]);
  const said = h("div", {});
  const market = markets.find((one) => one.market_id === product.market_id);
  const category = vocabulary.categories.find((one) => one.code === product.category);
  const named = category && (language() === "vi" ? category.name_vi : category.name_en);
  show(place, head(t("product")),
    came.lots.some((one) => one.recalled) ? recalled() : null,
    product.photos.length ? photos(product) : null,
    h("h2", { class: "name", id: "product" }, product.name),
    h("p", { class: "soft" }, [named, market?.name].filter(Boolean).join(" · "), stars(product)),
    h("section", { class: "card" }, offer(product),
      Number(product.price_per_kg) && product.unit !== "kg" ? h("p", { class: "soft small" }, t("product.per-kg", { price: dong(product.price_per_kg) })) : null,
      product.description ? h("p", {}, product.description) : null,
      h("p", {}, h("a", { href: `#/stall/${product.merchant_id}` }, t("cart.of", { stall: product.merchant_name })), market ? h("span", { class: "soft" }, ` · ${market.name}, ${market.ward_name}`) : null)),
    buying(product),
    h("h2", {}, t("lots")), await lots(came.lots),
    prices.length > 1 ? h("details", {}, h("summary", {}, t("product.prices")), history(prices)) : null,
    h("h2", {}, t("ratings")), said, button(t("ratings.stall"), () => go("stall", product.merchant_id)));
  latest(said, `/v1/products/${product.product_id}/ratings`);
  return null;
}

/** One of its lots may not be eaten: whoever bought of it sees that on the order. */
function recalled() {
  return h("section", { class: "card alarm stack", id: "recall" },
    h("p", { class: "name" }, t("recall.product")), h("p", {}, t("recall.product.do")), button(t("recall.mine"), () => go("orders")));
}

/** The first one large. */
function photos({ name, photos: addresses }) {
  const [first, ...others] = addresses.map((address, i) => h("img", { src: address, alt: t("product.photo", { name, number: i + 1 }), class: i ? "" : "photo" }));
  return h("div", {}, first, others.length ? h("div", { class: "sights" }, others) : null);
}

function buying(product) {
  const said = h("div", { role: "status" });
  if (!Number(product.available)) return h("p", { class: "banner away" }, t("product.gone"));
  return h("div", { class: "stack" }, button(t("cart.add"), () => {
    new Basket().add(product);
    tell(t("cart.added"));
    show(said, h("p", { class: "banner here" }, t("cart.added")));
  }, { class: "main" }), said, button(t("cart.look"), () => go("market")));
}

function history(prices) {
  return h("ul", { class: "rows" }, [...prices].reverse().slice(0, PRICES_MAX).map((one) => h("li", {},
    h("span", { class: "grow soft small" }, t("product.since", { time: when(one.since) })), h("span", { class: "number" }, dong(one.price)))));
}

function gone() {
  return h("div", { class: "stack", id: "gone" }, h("section", { class: "card center" }, h("p", {}, t("product.not-there"))),
    button(t("market"), () => go("market"), { class: "main" }));
}
