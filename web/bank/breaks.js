// What does not match.

import { get } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { head, user } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { notAll } from "./windows.js";

const STATES = ["open", "assigned", "proposed", "approved", "resolved", "gone"];

export async function screen(place, state = "open", institution = user().institution) {
  return institution ? list(place, state, institution) : whose(place);
}

async function list(place, state, institution) {
  const body = h("tbody", {});
  const more = h("div", {});
  async function page(token) {
    const found = await get("/v1/breaks", { state, institution, page_size: 50, page_token: token });
    body.append(...found.breaks.map(row));
    if (!body.children.length) body.append(h("tr", {}, h("td", { colspan: "6", class: "soft" }, t("breaks.none"))));
    show(more, found.next_page_token ? button(t("older"), () => page(found.next_page_token)) : null);
  }
  show(place, head(`${t("breaks")} · ${institution}`),
    h("nav", { class: "tabs" }, STATES.map((one) => h("a", { href: `#/breaks/${one}/${institution}`, "aria-current": one === state ? "page" : false }, t(`break.${one}`)))),
    h("div", { class: "scrolls", tabindex: "0" }, table(["break.type", "institution", "break.reference", "breaks.risk", "break.age", "break.owner"], body)), more);
  await page("");
  return null;
}

/** For those who see everybody's: where the money at risk is. */
async function whose(place) {
  const report = await get("/v1/reconciliation-report");
  const rows = report.groups.map((one) => h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `#/breaks/open/${one.institution}` }, `${one.institution} · ${one.type}`)),
    h("td", { class: "number" }, one.breaks), h("td", { class: "number" }, dong(one.at_risk)),
    h("td", { class: `number ${Number(one.overdue) ? "bad" : ""}` }, one.overdue), h("td", {}, t("break.days", { days: one.oldest_days }))));
  show(place, head(t("breaks")), notAll(report), rows.length
    ? h("div", { class: "scrolls", tabindex: "0" }, table(["institution", "breaks", "breaks.risk", "breaks.overdue", "break.age"], h("tbody", {}, rows)))
    : h("p", { class: "card soft" }, t("breaks.none")));
  return null;
}

function table(columns, body) {
  return h("table", { class: "figures" }, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, t(name))))), body);
}

function row(one) {
  return h("tr", {},
    h("th", { scope: "row" }, h("a", { href: `#/break/${encodeURIComponent(one.break_id)}` }, one.type)),
    h("td", {}, one.institution), h("td", {}, one.reference || one.detail.slice(0, 40)),
    h("td", { class: "number" }, dong(one.at_risk)),
    h("td", { class: one.age_days > 1 ? "bad" : "" }, t("break.days", { days: one.age_days })), h("td", {}, one.owner || "—"));
}
