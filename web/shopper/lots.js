// Where a product comes from, lot by lot: what is sold first comes first.

import { h } from "../shared/dom.js";
import { date } from "../shared/money.js";
import { t } from "../shared/strings.js";

export function lots(list) {
  const told = list.map(facts).filter((lines) => lines.length);
  if (!told.length) return h("p", { class: "soft", id: "lots" }, t("lots.none"));
  return h("div", { class: "stack", id: "lots" }, told.map((lines) => h("dl", { class: "card facts" },
    lines.map(([name, value]) => h("div", {}, h("dt", { class: "soft" }, t(name)), h("dd", {}, value))))));
}

/** [name of a sentence, what it says] of what somebody said about the lot. */
function facts({ facts: said = {} }) {
  const days = (one) => `${date(one.valid_from)} – ${date(one.valid_to)}`;
  return [
    ["lot.area", said.area_code],
    ["lot.harvested", said.harvest_day && date(said.harvest_day)],
    ["lot.sell-by", said.sell_by && date(said.sell_by)],
    ["lot.stars", Number(said.ocop_stars) ? `${said.ocop_stars}★` : ""],
    ...(said.certificates ?? []).map((one) => ["lot.certificate", `${one.name} ${one.number}${one.issuer ? ` · ${one.issuer}` : ""} · ${days(one)}`]),
  ].filter(([, value]) => value);
}
