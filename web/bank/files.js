// Files that an institution sends us: statements, records, status reports; and what became of each.

import { ApiError, get, refusalOf } from "../shared/api.js";
import { field, h, show, tell } from "../shared/dom.js";
import { when } from "../shared/money.js";
import { repeat } from "../shared/repeat.js";
import { head, may, refused, user } from "../shared/shell.js";
import { t } from "../shared/strings.js";

const BYTES_MAX = 6_000_000;
const LOOKED_EVERY_MS = 2_000;

export async function screen(place, named = "") {
  const institution = named || user().institution;
  const [said, list] = [h("div", {}), h("ul", { class: "rows", id: "submitted" })];
  const progress = h("progress", { max: "1", value: "0", "aria-label": t("upload.progress") });
  progress.hidden = true;
  const chosen = h("input", { type: "file", id: "file" });

  async function look() {
    const { files } = await get(`/v1/exchange/${institution}/files`);
    show(list, files.length ? files.map(row) : h("li", { class: "soft" }, t("upload.none")));
  }

  chosen.addEventListener("change", async () => {
    const [file] = chosen.files;
    if (!file) return;
    progress.hidden = false;
    try {
      if (file.size > BYTES_MAX) throw new ApiError("BODY_TOO_LARGE", "", 413);
      await upload(`/v1/exchange/${institution}/files/${encodeURIComponent(file.name)}`, file, (part) => { progress.value = part; });
      tell(t("upload.sent", { name: file.name }));
      show(said, h("p", { class: "banner here" }, t("upload.sent", { name: file.name })));
      await look();
    } catch (error) {
      show(said, refused(error));
    } finally {
      progress.hidden = true;
      chosen.value = "";
    }
  });

  show(place, head(t("upload")),
    may("operator", "auditor") ? other(institution) : h("p", { class: "soft" }, institution),
    may("operator", "officer") && institution
      ? h("section", { class: "card stack" }, h("p", { class: "soft" }, t("upload.hint")), h("label", { for: "file" }, t("upload.choose")), chosen, progress)
      : null,
    said, h("h2", {}, t("upload.came")), list);
  if (!institution) return null;
  await look();
  return repeat(look, LOOKED_EVERY_MS, (error) => show(said, refused(error)));
}

/** Operators and auditors say whose files. */
function other(institution) {
  const named = field(t("upload.whose"), { id: "institution", value: institution, maxlength: 20 });
  named.querySelector("input").addEventListener("change", (event) => { location.hash = `#/files/${event.target.value.trim().toUpperCase()}`; });
  return named;
}

function row(file) {
  const look = { SUBMITTED_STATE_TAKEN: "good", SUBMITTED_STATE_REFUSED: "bad" }[file.state] ?? "soft";
  return h("li", {}, h("span", { class: "soft small" }, file.at ? when(file.at) : ""),
    h("span", { class: "grow" }, file.name, file.reason ? h("details", {}, h("summary", {}, t("upload.why")), h("pre", {}, file.reason)) : null),
    h("span", { class: look }, t(`upload.${file.state}`)));
}

// XMLHttpRequest: fetch does not tell how much has gone.
async function upload(path, file, told) {
  const content = await base64(file);
  await new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.setRequestHeader("content-type", "application/json");
    request.upload.addEventListener("progress", (event) => told(event.loaded / event.total));
    request.addEventListener("error", () => reject(new ApiError("OFFLINE", "", 0)));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve();
      else reject(refusalOf(request.responseText, request.status));
    });
    request.send(JSON.stringify({ content }));
  });
}

function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.slice(reader.result.indexOf(",") + 1)));
    reader.addEventListener("error", () => reject(new ApiError("INVALID_ARGUMENT", "", 0)));
    reader.readAsDataURL(file);
  });
}
