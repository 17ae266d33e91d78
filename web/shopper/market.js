// What the markets sell: search, what it is narrowed by, and one basket over several stalls.

import { get } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { head, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { Basket } from "./basket.js";
import { cart, changes, short } from "./cart.js";
import { everything, filters, question } from "./filters.js";
import { offer, stars } from "./goods.js";

const TYPED_MS = 300;
// What was looked for, for who comes back from a product.
let asked = { words: "", chosen: everything() };

export async function screen(place) {
  const basket = new Basket();
  const [list, more, footer, suggested, told, bar] = [
    h("div", {}), h("div", {}), h("div", { id: "cart" }), h("datalist", { id: "suggested" }), h("div", {}), h("div", { class: "sticks" })];
  const found = h("p", { class: "soft small", id: "found", role: "status" });
  const words = h("input", { type: "search", id: "words", list: "suggested", placeholder: t("market.search"), "aria-label": t("market.search"), maxlength: 100, value: asked.words });
  const [{ markets }, vocabulary, held] = await Promise.all([get("/v1/markets"), get("/v1/catalog/vocabulary"), get("/v1/market-days")]);
  let turn = 0;

  async function look(token = "") {
    const mine = (turn += 1);
    const reply = await get("/v1/products", { query: words.value, ...question(asked.chosen), page_size: 20, page_token: token, facets: token ? "" : "true" });
    if (mine !== turn) return; // somebody typed on
    const cards = reply.products.map((product) => card(product, basket, draw));
    if (token) list.append(...cards);
    else {
      show(list, cards.length ? cards : nothing());
      const count = choices.counted(reply.facets);
      show(found, cards.length ? t(reply.facets.complete ? "market.found" : "market.found.more", { count }) : null);
    }
    show(more, reply.next_page_token ? button(t("older"), () => look(reply.next_page_token)) : null);
    if (!token && words.value.length > 1) await suggest(mine);
  }

  async function suggest(mine) {
    const { names } = await get("/v1/products/suggest", { prefix: words.value, market_id: asked.chosen.market });
    if (mine === turn) show(suggested, names.map((one) => h("option", { value: one })));
  }

  /** What to do where nothing is found: take back what was narrowed, or look for something else. */
  function nothing() {
    const narrow = JSON.stringify(asked.chosen) !== JSON.stringify(everything());
    return h("section", { class: "card stack", id: "none" }, h("p", {}, t("market.none")),
      asked.chosen.day && held.unknown ? h("p", { class: "soft small" }, t("market.unknown-days", { count: held.unknown })) : null,
      narrow ? button(t("filter.clear"), () => { asked = { ...asked, chosen: everything() }; return screen(place); }) : null);
  }

  const draw = () => {
    show(footer, cart(basket, draw));
    show(bar, short(basket, footer));
  };
  const again = () => look().catch((error) => show(list, refused(error), button(t("again"), again, { class: "main" })));
  const choices = filters({ chosen: asked.chosen, markets, vocabulary, held, changed: again });
  let timer = null;
  words.addEventListener("input", () => {
    asked.words = words.value;
    clearTimeout(timer);
    timer = setTimeout(again, TYPED_MS);
  });
  show(place, head(t("market")), h("div", { class: "stack" }, words, suggested, choices.shown), found, list, more, bar, h("h2", {}, t("cart")), told, footer);
  draw();
  await look();
  if (basket.size) show(told, changes(await basket.refresh()));
  draw();
  return () => clearTimeout(timer);
}

function card(product, basket, draw) {
  return h("section", { class: "card" },
    product.photos[0] ? h("img", { src: product.photos[0], alt: "", loading: "lazy", class: "photo" }) : null,
    h("p", { class: "number wraps" }, h("a", { href: `#/product/${product.product_id}` }, product.name), stars(product)),
    offer(product),
    h("p", { class: "soft small" }, product.merchant_name),
    Number(product.available) ? button(t("cart.add"), () => {
      basket.add(product);
      draw();
    }) : null);
}
