// What a telecom owes against what it may owe; and how many stalls of each commune take money.

import { get } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { t } from "../shared/strings.js";

const TELECOMS = ["VIETTEL", "VNPT", "MOBIFONE"];
// Of the cap: from here on it is said loudly. The ledger refuses at all of it.
const NEAR = 0.8;
// Communes that are asked for at once.
const AT_ONCE = 20;

/** Operators and auditors see it; others are refused, and the part is left out. */
export async function liquidity(place) {
  const asked = await Promise.all(TELECOMS.map((one) => get(`/v1/liquidity/${one}`).catch((error) => {
    if (error.code === "PERMISSION_DENIED") return null;
    throw error;
  })));
  const found = asked.filter(Boolean).map((one) => one.liquidity);
  if (!found.length) return show(place);
  show(place, h("h2", {}, t("liquidity")), h("table", { class: "figures" },
    h("thead", {}, h("tr", {}, h("th", {}, t("liquidity.telecom")), h("th", {}, t("liquidity.position")), h("th", {}, t("liquidity.cap")), h("th", {}, t("liquidity.used")))),
    h("tbody", {}, found.map(row))));
}

function row(one) {
  const owes = Math.max(0, Number(one.position));
  const cap = Number(one.net_debit_cap);
  const used = one.uncapped ? null : cap ? owes / cap : owes ? 1 : 0;
  return h("tr", { "data-telecom": one.telecom }, h("th", { scope: "row" }, one.telecom),
    h("td", {}, dong(one.position)), h("td", {}, one.uncapped ? t("liquidity.uncapped") : dong(cap)),
    h("td", { class: used !== null && used >= NEAR ? "bad" : "" }, used === null ? "—" : `${Math.round(100 * used)} %`));
}

/** `markets`: of the pulse; their communes are asked for. */
export async function adoption(place, markets) {
  const wards = [...new Map(markets.map((one) => [one.ward_code, one.ward_name]).filter(([code]) => code))];
  const found = [];
  for (let i = 0; i < wards.length; i += AT_ONCE) {
    found.push(...await Promise.all(wards.slice(i, i + AT_ONCE).map(([code, name]) => get(`/v1/communes/${code}/progress`).then((told) => ({ code, name, ...told.total })))));
  }
  // By code: communes of several provinces have one name.
  const paid = new Map();
  for (const one of markets) paid.set(one.ward_code, (paid.get(one.ward_code) ?? 0) + one.merchants_paid);
  found.sort((a, b) => b.active - a.active || a.name.localeCompare(b.name, "vi"));
  show(place, h("h2", {}, t("adoption")), found.length
    ? h("div", { class: "scrolls", tabindex: "0" }, h("table", { class: "figures" },
      h("thead", {}, h("tr", {}, h("th", {}, t("adoption.commune")), h("th", {}, t("adoption.active")), h("th", {}, t("adoption.paid")), h("th", {}, t("adoption.coming")))),
      h("tbody", {}, found.map((one) => h("tr", { "data-ward": one.code }, h("th", { scope: "row" }, one.name), h("td", {}, String(one.active)), h("td", {}, String(paid.get(one.code) ?? 0)),
        h("td", {}, String(one.draft + one.submitted + one.in_review)))))))
    : h("p", { class: "soft" }, t("adoption.none")));
}
