// A product among others: what it costs, how much is left, whose it is.

import { h } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { weight } from "../shared/order.js";
import { t } from "../shared/strings.js";
import { weighed } from "./basket.js";

/** "320.000 đ/kg · Còn 12 kg". Half a kilo of what is sold by the kilo is less than one, and not nothing. */
export function offer(product) {
  const left = Number(product.available);
  return h("p", {}, h("span", { class: "number good" }, `${dong(product.price)}/${product.unit}`), " · ",
    left ? t("product.left-now", { left: weighed(product) ? weight(left) : `${left} ${product.unit}` }) : h("span", { class: "bad" }, t("product.gone")));
}

/** "OCOP 4★"; nothing where it has none. */
export const stars = (product) => (Number(product.ocop_stars) ? h("span", { class: "soft small" }, ` · OCOP ${product.ocop_stars}★`) : null);
