// What a search is narrowed by and sorted by; each choice says how many goods it leaves.

import { h } from "../shared/dom.js";
import { day, grouped } from "../shared/money.js";
import { language, t } from "../shared/strings.js";

const DAY_MS = 86_400_000;
const ORDERS = ["SEARCH_ORDER_UNSPECIFIED", "SEARCH_ORDER_CHEAPEST", "SEARCH_ORDER_DEAREST"];
const STARS_MAX = 5;

/** Nothing chosen. A price is "from-to", 0 for no end. */
export const everything = () => ({ market: "", day: "", category: "", price: "", stars: "", stock: false, order: ORDERS[0] });

/** What to ask SearchProducts for: only what was chosen. */
export function question(chosen) {
  const [priceMin, priceMax] = (chosen.price || "0-0").split("-");
  return {
    market_id: chosen.market, market_day: chosen.day, category: chosen.category,
    stars_min: chosen.stars, in_stock: chosen.stock ? "true" : "",
    price_min: Number(priceMin) ? priceMin : "", price_max: Number(priceMax) ? priceMax : "",
    order: chosen.order === ORDERS[0] ? "" : chosen.order,
  };
}

/**
 * The choices, in `shown`; `counted(facets)` writes how many each leaves, and answers how many there are in all. `chosen`
 * is kept in step, and `changed` is told.
 */
export function filters({ chosen, markets, vocabulary, held, changed }) {
  const names = new Map(vocabulary.categories.map((one) => [one.code, language() === "vi" ? one.name_vi : one.name_en]));
  const select = (name, label, options) => {
    const made = h("select", { id: name });
    fill(made, options, chosen[name]);
    made.addEventListener("change", () => { chosen[name] = made.value; changed(); });
    return { made, shown: h("div", { class: "field" }, h("label", { for: name }, label), made) };
  };
  const market = select("market", t("filter.market"), [["", t("market.all")], ...markets.map((one) => [one.market_id, one.name])]);
  const on = select("day", t("filter.day"), days(held));
  const any = [["", t("filter.any")]];
  const [category, price, stars] = [
    select("category", t("product.category"), any), select("price", t("filter.price"), any), select("stars", t("filter.stars"), any)];
  const order = select("order", t("filter.order"), ORDERS.map((one) => [one, t(`filter.${one}`)]));
  const stock = h("input", { type: "checkbox", id: "stock", checked: chosen.stock });
  stock.addEventListener("change", () => { chosen.stock = stock.checked; changed(); });
  const summary = h("summary", {});

  function counted({ markets: perMarket, categories, prices, stars: perStar }) {
    const narrow = (name, { made }, first, label, counts) => fill(made, [["", first], ...withCounts(label, counts, chosen[name])], chosen[name]);
    narrow("category", category, t("filter.any"), (code) => names.get(code) ?? code, categories.map((one) => [one.category, one.products]));
    narrow("price", price, t("filter.any"), band, prices.map((one) => [`${one.price_min}-${one.price_max}`, one.products]));
    narrow("stars", stars, t("filter.any"), (least) => t("filter.stars.least", { stars: least }), atLeast(perStar));
    // While one market is chosen, the others are not counted.
    const counts = new Map(perMarket.map((one) => [one.market_id, one.products]));
    const all = markets.map((one) => [one.market_id, chosen.market ? one.name : `${one.name} (${counts.get(one.market_id) ?? 0})`]);
    fill(market.made, [["", t("market.all")], ...all], chosen.market);
    const count = [chosen.category, chosen.price, chosen.stars, chosen.stock].filter(Boolean).length;
    summary.textContent = count ? t("filter.chosen", { count }) : t("filter");
    return perMarket.reduce((sum, one) => sum + one.products, 0);
  }

  summary.textContent = t("filter");
  return {
    counted,
    shown: h("div", { class: "stack", id: "filters" }, h("div", { class: "pair" }, on.shown, market.shown),
      h("details", {}, summary, h("div", { class: "pair" }, category.shown, price.shown, stars.shown, order.shown),
        h("div", { class: "field check" }, stock, h("label", { for: "stock" }, t("filter.stock"))))),
  };
}

function fill(select, options, value) {
  select.replaceChildren(...options.map(([code, text]) => h("option", { value: code }, text)));
  select.value = value;
}

/** Options with how many each leaves; what was chosen stays, though it leaves nothing. */
function withCounts(label, counts, chosen) {
  const all = !chosen || counts.some(([code]) => code === chosen) ? counts : [...counts, [chosen, 0]];
  return all.map(([code, products]) => [code, `${label(code)} (${products})`]);
}

/** Today and tomorrow by their markets; days are Vietnam's. */
function days(held) {
  const lunar = t("filter.lunar", { day: held.day.lunar_day, month: held.day.lunar_month });
  const today = [t("filter.today"), lunar, ...held.day.occasions].join(" · ");
  return [["", t("filter.any-day")], [held.day.day, today], [day(Date.parse(`${held.day.day}T00:00:00+07:00`) + DAY_MS), t("filter.tomorrow")]];
}

/** "20.000 – 49.999 đ"; the last one has no end. */
function band(price) {
  const [min, max] = price.split("-").map(Number);
  return max ? `${grouped(min)} – ${grouped(max)} đ` : t("filter.from", { price: `${grouped(min)} đ` });
}

/** [stars, how many goods have at least so many], the most first. */
function atLeast(counts) {
  const found = [];
  for (let least = STARS_MAX; least > 0; least -= 1) {
    const products = counts.filter((one) => one.ocop_stars >= least).reduce((sum, one) => sum + one.products, 0);
    if (products) found.push([String(least), products]);
  }
  return found;
}
