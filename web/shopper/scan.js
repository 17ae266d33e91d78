// A code comes in: by camera, from a picture, or pasted.

import { button, field, h, show } from "../shared/dom.js";
import { readPicture, scanner } from "../shared/scan.js";
import { go, head } from "../shared/shell.js";
import { t } from "../shared/strings.js";

export async function screen(place) {
  const camera = h("div", {});
  const said = h("div", { role: "alert" });
  const picture = h("input", { type: "file", accept: "image/*", id: "picture", class: "hidden" });
  const pasted = field(t("scan.paste"), { id: "pasted", maxlength: 512 });
  show(place, head(t("scan")), camera, said,
    h("label", { for: "picture", class: "button" }, t("scan.picture")), picture,
    pasted, button(t("scan.use"), () => use(pasted.querySelector("input").value)));
  const stop = scanner(camera, use);
  picture.addEventListener("change", async () => {
    const text = picture.files.length ? await readPicture(picture.files[0]) : "";
    picture.value = "";
    if (text) use(text);
    else show(said, h("p", { class: "banner refused" }, t("scan.not-found")));
  });
  function use(text) {
    if (text.trim()) go("pay", text.trim());
  }
  return stop;
}
