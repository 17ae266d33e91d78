// Whoever wants a wallet shows their citizen card here, once: the card's code and the account's phone are sent as they are.

import { post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { readPicture, scanner } from "../shared/scan.js";
import { head, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { readCard } from "./card.js";

export function screen(place) {
  const [camera, said] = [h("div", {}), h("div", {})];
  const phone = field(t("phone"), { id: "phone", type: "tel", inputmode: "tel", maxlength: 16 });
  const pasted = field(t("card.paste"), { id: "pasted", maxlength: 500 });
  const picture = h("input", { type: "file", id: "picture", accept: "image/*", class: "hidden" });
  let stop = () => {};
  const found = async (payload) => {
    const card = readCard(payload);
    if (!card) {
      show(said, h("p", { class: "banner refused", role: "alert" }, t("card.not")));
      return;
    }
    try {
      await post("/v1/identifications", { phone: phone.querySelector("input").value.trim(), payload });
      // Nothing of somebody's card stays on the screen for the next one.
      phone.querySelector("input").value = pasted.querySelector("input").value = "";
      show(said, h("p", { class: "banner here", role: "status" }, t("identify.done", { name: card.person_name })));
    } catch (error) {
      // Which of the two is wrong, the card or the account, the service says best.
      show(said, error.code === "INVALID_ARGUMENT" && error.vi ? h("p", { class: "banner refused", role: "alert" }, error.vi) : refused(error));
    }
  };
  picture.addEventListener("change", async () => found(await readPicture(picture.files[0])));
  show(place, head(t("identify")), h("p", { class: "soft" }, t("identify.why")), phone,
    h("p", { class: "soft" }, t("card.hint")), camera, said,
    button(t("card.scan"), () => { stop = scanner(camera, found); }, { class: "main" }),
    h("label", { for: "picture", class: "button" }, t("scan.picture")), picture,
    pasted, button(t("scan.use"), () => found(pasted.querySelector("input").value)));
  return () => stop();
}
