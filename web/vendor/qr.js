// The stall's static code: shown large, printed, and proven each morning to be the one that hangs there.

import { call, post } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { photoIn } from "../shared/photo.js";
import { readPicture, scanner } from "../shared/scan.js";
import { head, refused } from "../shared/shell.js";
import { stallPhoto } from "../shared/stall.js";
import { t } from "../shared/strings.js";
import { stall } from "./stall.js";

export async function screen(place) {
  const mine = await stall();
  const path = `/v1/merchants/${mine.merchant_id}`;
  const [camera, said] = [h("div", {}), h("div", { role: "status" })];
  let stop = () => {};
  async function check(payload) {
    show(camera);
    try {
      // A picture in which no code is found is as unreadable as a torn sticker.
      const { verdict, message } = await post(`${path}/sticker-check`, { payload: payload || "?" });
      show(said, h("p", { class: verdict === "STICKER_VERDICT_OK" ? "banner here" : "banner refused", "data-verdict": verdict }, message));
    } catch (error) {
      show(said, refused(error));
    }
  }
  const picture = h("input", { type: "file", accept: "image/*", id: "picture", class: "hidden" });
  picture.addEventListener("change", async () => {
    const [file] = picture.files;
    if (!file) return; // the chooser was left
    const payload = await readPicture(file);
    picture.value = "";
    await check(payload);
  });
  show(place, head(t("qr")),
    h("img", { class: "qr", src: `${path}/qr?format=svg`, alt: `${t("qr")}: ${mine.name}` }),
    h("p", { class: "center number" }, mine.name),
    h("p", { class: "center soft" }, `${mine.market_name} · ${mine.stall}`),
    h("p", { class: "center" }, t("qr.hint")),
    h("h2", {}, t("sticker")), h("p", { class: "soft" }, t("sticker.why")), camera, said,
    button(t("sticker.scan"), () => { stop(); stop = scanner(camera, check); }, { class: "main" }),
    h("label", { for: "picture", class: "button" }, t("scan.picture")), picture,
    h("h2", {}, t("stall.photo")), h("p", { class: "soft" }, t("stall.photo.why")), ownPhoto(mine),
    h("a", { class: "button", href: `${path}/stand.pdf?format=a5`, download: `${mine.stall}-a5.pdf` }, t("print.stand")));
  return () => stop();
}

/** The photo that payers see before they pay, and another in its place. */
function ownPhoto(mine) {
  const [shown, said] = [h("div", {}), h("div", { role: "status" })];
  const input = h("input", { type: "file", accept: "image/*", capture: "environment", id: "stall-photo" });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    show(said, h("p", { class: "banner here" }, t("photo.sending")));
    try {
      await call("PUT", `/v1/merchants/${mine.merchant_id}/photo`, { content: await photoIn(file) });
      // As it was sent: for some minutes browsers keep the one of before under its address.
      const image = h("img", { class: "photo", alt: t("pay.photo", { name: mine.name }), src: URL.createObjectURL(file) });
      image.addEventListener("load", () => URL.revokeObjectURL(image.src));
      show(shown, image);
      show(said, h("p", { class: "banner here" }, t("stall.photo.done")));
    } catch (error) {
      show(said, refused(error));
    }
    input.value = "";
  });
  stallPhoto(mine.merchant_id, t("pay.photo", { name: mine.name })).then((image) => show(shown, image));
  return h("div", { class: "stack" }, shown, h("label", { for: "stall-photo" }, t("stall.photo.take")), input, said);
}
