// A stall's own photo.

import { h } from "./dom.js";

/** The photo of a merchant's stall, drawn; null where nobody has taken one. */
export function stallPhoto(merchantId, label) {
  return new Promise((resolve) => {
    const image = h("img", { class: "photo", alt: label, "data-stall": merchantId });
    image.addEventListener("load", () => resolve(image));
    image.addEventListener("error", () => resolve(null));
    image.src = `/v1/merchants/${merchantId}/photo`;
  });
}
