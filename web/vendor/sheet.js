// All goods at once by a spreadsheet: taken out, changed, checked row by row, and only then carried out.

import { ApiError, get, newKey, post } from "../shared/api.js";
import { base64 } from "../shared/bytes.js";
import { button, h, show } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { repeat } from "../shared/repeat.js";
import { go, head, refused } from "../shared/shell.js";
import { language, sentence, t } from "../shared/strings.js";
import { stall } from "./stall.js";

// As the API has it (sheets.proto).
const BYTES_MAX = 700 * 1024;
const ASKED_EVERY_MS = 1_000;
// First what needs somebody.
const ACTIONS = ["SHEET_ACTION_BAD", "SHEET_ACTION_CHANGE", "SHEET_ACTION_CREATE"];

export async function screen(place, sheetId) {
  return sheetId ? one(place, sheetId) : begin(place, await stall());
}

async function begin(place, mine) {
  const path = `/v1/merchants/${mine.merchant_id}/product-sheet`;
  const said = h("div", {});
  const file = h("input", { type: "file", id: "sheet", accept: ".xlsx,.csv" });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    show(said, h("p", { class: "banner here" }, t("sheet.checking")));
    try {
      if (chosen.size > BYTES_MAX) throw new ApiError("SHEET_TOO_LARGE", "", 400);
      const content = base64(new Uint8Array(await chosen.arrayBuffer()));
      const { sheet } = await post(`${path}s`, { request_id: newKey(), content });
      go("sheet", sheet.sheet_id);
    } catch (error) {
      // What is wrong with the file, the server says best.
      show(said, error.vi && language() === "vi" ? h("p", { class: "banner refused", role: "alert" }, error.vi) : refused(error));
      file.value = "";
    }
  });
  show(place, head(t("sheet.title")),
    h("ol", { class: "card stack", id: "how" }, ["sheet.how.take", "sheet.how.change", "sheet.how.send"].map((name) => h("li", {}, t(name)))),
    h("div", { class: "grid" }, ["xlsx", "csv"].map((format) => h("a", { class: "button", href: `${path}?format=${format}`, download: `mat-hang.${format}` }, t(`sheet.${format}`)))),
    h("div", { class: "field" }, h("label", { for: "sheet" }, t("sheet.choose")), file), said);
  return null;
}

async function one(place, sheetId) {
  const path = `/v1/product-sheets/${sheetId}`;
  let { sheet } = await get(path);
  const [shown, said] = [h("div", { class: "stack" }), h("div", {})];
  let stop = null;
  const draw = () => show(shown, state(sheet), sheet.state === "SHEET_STATE_CHECKED" ? applying() : null, rows(sheet));

  function applying() {
    return Number(sheet.wanted) ? button(t("sheet.apply", { count: sheet.wanted }), async () => {
      try {
        ({ sheet } = await post(`${path}/apply`));
        draw();
        follow();
      } catch (error) {
        show(said, refused(error));
      }
    }, { class: "main" }) : null;
  }

  function follow() {
    stop ??= repeat(async () => {
      ({ sheet } = await get(path));
      show(said);
      draw();
      return sheet.state === "SHEET_STATE_DONE";
    }, ASKED_EVERY_MS, (error) => show(said, h("p", { class: "banner away" }, sentence(error))));
  }

  show(place, head(t("sheet.title")), said, shown, button(t("sheet.another"), () => go("sheet")));
  draw();
  if (sheet.state === "SHEET_STATE_APPLYING") follow();
  return () => stop?.();
}

function state(sheet) {
  const count = (action) => sheet.rows.filter((row) => row.action === `SHEET_ACTION_${action}`).length;
  if (sheet.state === "SHEET_STATE_APPLYING") {
    const values = { tried: sheet.tried, wanted: sheet.wanted };
    return h("div", { role: "status" }, h("p", {}, t("sheet.applying", values)),
      h("progress", { max: String(sheet.wanted), value: String(sheet.tried), "aria-label": t("sheet.applying", values) }));
  }
  if (sheet.state === "SHEET_STATE_DONE") {
    const done = sheet.rows.filter((row) => row.done).length;
    const left = Number(sheet.wanted) - done;
    return h("div", { role: "status" }, h("p", { class: "banner here", id: "sheet-done" }, t("sheet.done", { done })),
      left ? h("p", { class: "banner refused" }, t("sheet.left", { left })) : null);
  }
  return h("section", { class: "card", id: "sheet-would" }, h("p", { class: "number" }, t("sheet.would")),
    ["CREATE", "CHANGE", "NOTHING", "BAD"].map((action) => h("p", { class: action === "BAD" && count(action) ? "bad" : "" }, t(`sheet.${action}`, { count: count(action) }))),
    h("p", { class: "soft small" }, t("sheet.nothing-yet")));
}

function rows(sheet) {
  const shown = ACTIONS.flatMap((action) => sheet.rows.filter((row) => row.action === action));
  return shown.length ? h("ul", { class: "rows", id: "sheet-rows" }, shown.map((row) => line(row, sheet.state))) : null;
}

function line(row, state) {
  const words = (problem) => `${problem.column ? `${problem.column}: ` : ""}${language() === "vi" ? problem.vi : problem.en}`;
  const fresh = row.action === "SHEET_ACTION_CREATE";
  return h("li", { "data-row": row.number },
    h("span", { class: "soft small number" }, t("sheet.row", { number: row.number })),
    h("div", { class: "grow" }, h("span", { class: "number wraps" }, row.name), fresh ? h("span", { class: "good small" }, ` · ${t("sheet.new")}`) : null,
      row.action === "SHEET_ACTION_CHANGE" ? Object.entries(row.values).map(([what, now]) => h("div", { class: "small" }, `${t(`sheet.field.${what}`)}: `, h("del", {}, value(what, row.before[what])), " → ", value(what, now))) : null,
      fresh ? h("div", { class: "small" }, `${value("price", row.values.price)}/${row.values.unit}`) : null,
      row.problems.map((problem) => h("div", { class: "bad small" }, words(problem)))),
    row.done ? h("span", { class: "good", "aria-label": t("sheet.row.done") }, "✓") : state === "SHEET_STATE_DONE" ? h("span", { class: "bad", "aria-label": t("sheet.row.left") }, "✗") : null);
}

/** As people read it. */
function value(what, text) {
  if (what === "price") return dong(text);
  if (what === "state") return t(`sheet.state.${text}`);
  return text || "—";
}
