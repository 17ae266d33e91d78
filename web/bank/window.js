// One window: net positions, who owes whom, and the files of each institution.

import { get } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { head, may, refused, user } from "../shared/shell.js";
import { t } from "../shared/strings.js";

// Files of a pack: the name in the address, and how its name begins in the manifest.
const FILES = [["report.csv", "report."], ["workbook.xlsx", "workbook."], ["statement.pdf", "statement."], ["camt.054.xml", "camt.054."]];

export async function screen(place, number) {
  const found = await get(`/v1/windows/${number}/positions`);
  const files = h("div", { class: "stack" });
  const mine = may("operator", "auditor") ? found.positions.map((one) => one.institution) : [user().institution];
  show(place, head(`${t("window")} № ${number}`),
    h("p", { class: "soft" }, `${t(`window.${found.window.state}`)} · ${when(found.window.closed_at)}`),
    tie(found),
    h("h2", {}, t("positions")), positions(found.positions),
    h("h2", {}, t("matrix")), isNetted(found) ? matrix(found.pairs) : h("p", { class: "soft" }, t("matrix.not-yet")),
    h("h2", {}, t("files")), files,
    h("p", { class: "soft small" }, t("chain-head"), " ", h("code", {}, found.chain_head)));
  await Promise.all(mine.map((institution) => pack(files, number, institution, found.positions)));
  return null;
}

/** Held against the books, and who owes whom worked out. */
const isNetted = ({ window }) => window.state !== "WINDOW_STATE_CLOSED";

/** Only what was held against the books is said to tie to them. */
function tie(found) {
  if (found.findings.length || Number(found.sum)) return h("p", { class: "banner refused", role: "alert" }, `${t("ties.not")} ${found.findings.join("; ")}`);
  return isNetted(found) ? h("p", { class: "banner here" }, t("ties")) : h("p", { class: "banner away", id: "not-yet" }, t("ties.not-yet"));
}

/** Bars to the left owe, bars to the right are owed; figures beside them. */
function positions(list) {
  const most = Math.max(1, ...list.map((one) => Math.abs(Number(one.net))));
  return h("table", { class: "figures" },
    h("thead", {}, h("tr", {}, ["institution", "position.debits", "position.credits", "position.net", "position.picture"]
      .map((name) => h("th", { scope: "col" }, t(name))))),
    h("tbody", {}, list.map((one) => {
      const net = Number(one.net);
      const bar = h("span", { class: net < 0 ? "bar owes" : "bar owed" });
      bar.style.width = `${(50 * Math.abs(net)) / most}%`;
      return h("tr", {},
        h("th", { scope: "row" }, one.name || one.institution),
        h("td", { class: "number" }, dong(one.debits)), h("td", { class: "number" }, dong(one.credits)),
        h("td", { class: `number ${net < 0 ? "bad" : "good"}` }, dong(net)),
        h("td", { class: "bars", "aria-hidden": true }, bar));
    })));
}

/** Who owes whom, gross: rows owe columns; darker is more. */
function matrix(pairs) {
  const names = [...new Set(pairs.flatMap((pair) => [pair.from, pair.to]))].sort();
  if (!names.length) return h("p", { class: "soft" }, t("matrix.none"));
  const of = new Map(pairs.map((pair) => [`${pair.from} ${pair.to}`, pair]));
  const most = Math.max(...pairs.map((pair) => Number(pair.gross)));
  return h("div", { class: "scrolls", tabindex: "0" }, h("table", { class: "figures matrix" },
    h("caption", { class: "soft small" }, t("matrix.hint")),
    h("thead", {}, h("tr", {}, h("th", {}), names.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, names.map((from) => h("tr", {}, h("th", { scope: "row" }, from), names.map((to) => {
      const pair = of.get(`${from} ${to}`);
      const cell = h("td", { class: "number" }, pair ? dong(pair.gross) : from === to ? "—" : "");
      if (pair) cell.style.backgroundColor = `rgb(11 107 58 / ${0.08 + 0.3 * (Number(pair.gross) / most)})`;
      return cell;
    }))))));
}

/** The files that the pack's manifest names, to download. */
async function pack(place, number, institution, list) {
  const name = list.find((one) => one.institution === institution)?.name || institution;
  const path = `/v1/windows/${number}/files/${institution}`;
  const shown = h("section", { class: "card" }, h("h3", {}, name));
  place.append(shown);
  try {
    const manifest = JSON.stringify(await get(`${path}/manifest.json`));
    const there = FILES.filter(([, start]) => manifest.includes(`"${start}`));
    shown.append(h("ul", { class: "links" }, [...there.map(([file]) => file), "manifest.json"].map((file) => h("li", {},
      h("a", { href: `${path}/${file}`, download: `W${number}-${institution}-${file}` }, file)))),
    there.some(([file]) => file === "report.csv") ? h("a", { class: "button", href: `#/proof/${number}/${institution}` }, t("proof")) : "");
  } catch (error) {
    shown.append(error.code === "NOT_FOUND" ? h("p", { class: "soft" }, t("files.none")) : refused(error));
  }
}

