// How a stall looks and what it sells, to know it by before it is paid: a sticker can be another one's, a table full of tea
// cannot.

import { ApiError, get } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { stallPhoto } from "../shared/stall.js";
import { t } from "../shared/strings.js";

const LOOKED_AT = 12;
const SHOWN_MAX = 3;

/** Fills `place` with photos of the stall and its goods, once they are there: nobody waits for them to pay. */
export async function knownBy(place, { merchant_id: merchantId, merchant_name: name }) {
  try {
    const [photo, { products }] = await Promise.all([
      stallPhoto(merchantId, t("pay.photo", { name })), get("/v1/products", { merchant_id: merchantId, page_size: LOOKED_AT })]);
    show(place, photo, table(products, photo !== null));
  } catch (error) {
    // Without them it is paid by its name, as before.
    if (!(error instanceof ApiError)) throw error;
  }
}

function table(products, seen) {
  if (!products.length) return null;
  const photos = seen ? [] : products.filter((one) => one.photos.length).slice(0, SHOWN_MAX);
  return [
    photos.length ? h("div", { class: "sights" }, photos.map((one) => h("img", { src: one.photos[0], alt: one.name }))) : null,
    h("p", { class: "soft small" }, t("pay.sells", { names: products.slice(0, SHOWN_MAX).map((one) => one.name).join(", ") })),
  ];
}
