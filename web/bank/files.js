// Files that an institution sends us: statements, records, status reports; and what became of each.

import { get } from "../shared/api.js";
import { field, h, show, tell } from "../shared/dom.js";
import { when } from "../shared/money.js";
import { repeat } from "../shared/repeat.js";
import { head, may, refused, user } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { upload } from "./upload.js";

const LOOKED_EVERY_MS = 2_000;

export async function screen(place, named = "") {
  const institution = named || user().institution;
  const [said, away, list] = [h("div", {}), h("div", {}), h("ul", { class: "rows", id: "submitted" })];
  const progress = h("progress", { max: "1", value: "0", "aria-label": t("upload.progress") });
  const arrived = h("p", { class: "soft small number" });
  const sending = h("div", {}, progress, arrived);
  sending.hidden = true;
  const chosen = h("input", { type: "file", id: "file" });

  async function look() {
    const { files } = await get(`/v1/exchange/${institution}/files`);
    show(list, files.length ? files.map(row) : h("li", { class: "soft" }, t("upload.none")));
    show(away);
  }
  // Beside what was said of the file that was sent: that it came stays true when the list does not.
  const notSeen = (error) => show(away, refused(error));

  chosen.addEventListener("change", async () => {
    const [file] = chosen.files;
    if (!file) return;
    chosen.disabled = true;
    progress.value = 0;
    show(arrived, t("upload.checks"));
    sending.hidden = false;
    show(said);
    try {
      await upload(institution, file, (part) => {
        progress.value = part;
        show(arrived, `${megabytes(part * file.size)} / ${megabytes(file.size)}`);
      });
      tell(t("upload.sent", { name: file.name }));
      show(said, h("p", { class: "banner here" }, t("upload.sent", { name: file.name })));
      look().catch(notSeen);
    } catch (error) {
      show(said, refused(error));
    } finally {
      sending.hidden = true;
      chosen.disabled = false;
      chosen.value = "";
    }
  });

  show(place, head(t("upload")),
    may("operator", "auditor") ? other(institution) : h("p", { class: "soft" }, institution),
    may("operator", "officer") && institution
      ? h("section", { class: "card stack" }, h("p", { class: "soft" }, t("upload.hint")), h("label", { for: "file" }, t("upload.choose")), chosen, sending)
      : null,
    said, h("h2", {}, t("upload.came")), away, list);
  if (!institution) return null;
  await look();
  return repeat(look, LOOKED_EVERY_MS, notSeen);
}

/** Operators and auditors say whose files. */
function other(institution) {
  const named = field(t("upload.whose"), { id: "institution", value: institution, maxlength: 20 });
  named.querySelector("input").addEventListener("change", (event) => { location.hash = `#/files/${event.target.value.trim().toUpperCase()}`; });
  return named;
}

const MEGABYTES = new Intl.NumberFormat("vi-VN", { maximumFractionDigits: 1 });
const megabytes = (bytes) => `${MEGABYTES.format(bytes / 1_000_000)} MB`;

function row(file) {
  const look = { SUBMITTED_STATE_TAKEN: "good", SUBMITTED_STATE_REFUSED: "bad" }[file.state] ?? "soft";
  return h("li", {}, h("span", { class: "soft small" }, file.at ? when(file.at) : ""),
    h("span", { class: "grow" }, file.name, file.reason ? h("details", {}, h("summary", {}, t("upload.why")), h("pre", {}, file.reason)) : null),
    h("span", { class: look }, t(`upload.${file.state}`)));
}
