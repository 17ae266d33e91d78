// A QR code as a picture, drawn by the server from what it holds: nothing is named in an address.

import { send } from "./api.js";
import { h } from "./dom.js";

/** An image of `payload`, there as soon as it is drawn. */
export function drawn(payload, label) {
  const image = h("img", { class: "qr", alt: label, "data-payload": payload });
  send("POST", "/v1/qr/draw", { payload })
    .then((reply) => (reply.ok ? reply.blob() : Promise.reject(new Error(`not drawn: ${reply.status}`))))
    .then((picture) => { image.src = URL.createObjectURL(picture); })
    .catch(() => image.replaceWith(h("p", { class: "digits" }, payload)));
  image.addEventListener("load", () => URL.revokeObjectURL(image.src));
  return image;
}
