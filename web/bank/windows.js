// The newest settlement windows, and what waits for somebody.

import { get, post } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { go, head, may, refused, signOut, user } from "../shared/shell.js";
import { t } from "../shared/strings.js";

export async function screen(place) {
  const [{ windows }, report] = await Promise.all([
    get("/v1/windows", { limit: 30 }),
    get("/v1/reconciliation-report", { institution: user().institution }),
  ]);
  const open = report.groups.reduce((sum, group) => sum + Number(group.breaks), 0);
  const risk = report.groups.reduce((sum, group) => sum + Number(group.at_risk), 0);
  const said = h("div", {});
  const current = windows.find((one) => one.state === "WINDOW_STATE_OPEN");
  show(place, head(t("app.bank"), false),
    h("div", { class: "grid" },
      h("section", { class: "card" }, h("p", { class: "soft" }, t("breaks.open")),
        h("p", { class: `number big ${open ? "bad" : "good"}` }, String(open)), h("p", { class: "soft" }, `${t("breaks.risk")} ${dong(risk)}`)),
      h("section", { class: "card" }, h("p", { class: "soft" }, t("match.rate")),
        h("p", { class: "number big", id: "match-rate" }, Number(report.files) ? percent(report.match_rate) : "—"), h("p", { class: "soft" }, t("match.files", { files: report.files })))),
    notAll(report),
    h("div", { class: "grid" },
      button(t("breaks"), () => go("breaks"), { class: "main" }),
      button(t("upload"), () => go("files")),
      may("operator", "auditor") ? button(t("payouts"), () => go("payouts")) : null),
    h("h2", {}, t("windows")), said,
    h("table", { class: "figures" },
      h("thead", {}, h("tr", {}, ["window", "window.state", "window.closed", "window.payments", "window.value", "window.payouts"]
        .map((name) => h("th", { scope: "col" }, t(name))))),
      h("tbody", {}, windows.map(row))),
    may("operator") && current ? button(t("window.close", { window: current.window }), async () => {
      try {
        await post(`/v1/windows/${current.window}/close`);
        await screen(place);
      } catch (error) {
        show(said, refused(error));
      }
    }) : null,
    h("p", { class: "center" }, button(t("sign-out"), signOut, { class: "plain small" })));
  return null;
}

// What is counted once a window is closed and its positions are made: before, nobody knows.
const COUNTED = ["WINDOW_STATE_SETTLING", "WINDOW_STATE_SETTLED"];

function row(one) {
  const counted = COUNTED.includes(one.state);
  const closed = one.state !== "WINDOW_STATE_OPEN" && one.state !== "WINDOW_STATE_CLOSING";
  return h("tr", {},
    h("th", { scope: "row" }, closed ? h("a", { href: `#/window/${one.window}` }, `№ ${one.window}`) : `№ ${one.window}`),
    h("td", {}, t(`window.${one.state}`), one.waits_for ? h("span", { class: "soft small" }, ` · ${one.waits_for}`) : null),
    h("td", {}, one.closed_at ? when(one.closed_at) : ""),
    h("td", { class: "number" }, counted ? one.payments : "—"),
    h("td", { class: "number" }, counted ? dong(one.value) : "—"),
    h("td", { class: "number" }, Number(one.payouts) ? `${one.payouts_ended}/${one.payouts}` : ""));
}

/** Where a report counts a part of the breaks only: its figures are no totals. */
export const notAll = ({ more }) => (more ? h("p", { class: "banner away" }, t("breaks.not-all")) : null);

/** Parts in ten thousand, rounded down, as people read them. */
export function percent(parts) {
  return `${(Number(parts) / 100).toLocaleString("vi-VN", { minimumFractionDigits: 2 })} %`;
}
