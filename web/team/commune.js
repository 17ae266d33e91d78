// How far a commune is: its markets, and how many stalls of each are done, in review, sent back, still to do.

import { get } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { go, head } from "../shared/shell.js";
import { t } from "../shared/strings.js";

const PLACE = "cho.commune";

export async function screen(place, named = "") {
  const [{ markets }, { team }] = await Promise.all([get("/v1/markets"), get("/v1/teams/progress")]);
  const communes = new Map(markets.map((one) => [one.ward_code, `${one.ward_name}, ${one.province_name}`]));
  const wanted = [named, localStorage.getItem(PLACE), team?.ward_code].find((code) => communes.has(code)) ?? "";
  const select = h("select", { id: "commune" }, h("option", { value: "" }, "—"),
    [...communes].sort(([, one], [, other]) => one.localeCompare(other, "vi")).map(([code, name]) => h("option", { value: code }, name)));
  select.value = wanted;
  select.addEventListener("change", () => {
    localStorage.setItem(PLACE, select.value);
    go("commune", select.value);
  });
  const figures = h("div", { class: "stack", id: "figures" });
  show(place, head(t("commune")), h("div", { class: "field" }, h("label", { for: "commune" }, t("commune.which")), select), figures);
  if (!wanted) {
    show(figures, h("p", { class: "card soft" }, t("commune.choose")));
    return null;
  }
  const found = await get(`/v1/communes/${wanted}/progress`);
  show(figures, all(found.total)
    ? [h("section", { class: "card" }, h("h2", { class: "name small" }, t("commune.all")), counts(found.total)),
      found.markets.map((one) => h("section", { class: "card" }, h("h3", {}, one.market_name),
        all(one.progress) ? counts(one.progress) : h("p", { class: "soft" }, t("commune.market.none"))))]
    : h("p", { class: "card soft" }, t("commune.none")));
  return null;
}

/** Who is at it or done; those that ended are no part of the way. */
const all = ({ draft, submitted, in_review: review, active }) => draft + submitted + review + active;

function counts(found) {
  const parts = [["done", found.active, "good"], ["review", found.submitted + found.in_review, ""],
    ["back", found.returned, found.returned ? "bad" : ""], ["todo", found.draft - found.returned, ""]];
  return [h("p", {}, h("span", { class: "number" }, t("commune.share", { done: found.active, all: all(found) }))),
    h("progress", { max: all(found), value: found.active, "aria-label": t("commune.done") }),
    h("dl", { class: "grid" }, parts.map(([name, count, look]) => h("div", {},
      h("dt", { class: "soft small" }, t(`commune.${name}`)), h("dd", { class: `number ${look}` }, String(count))))),
    found.suspended ? h("p", { class: "soft small" }, t("commune.suspended", { count: found.suspended })) : null];
}
