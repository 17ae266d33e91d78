// Where a product comes from, lot by lot: what is sold first comes first.

import { h } from "../shared/dom.js";
import { growerOf } from "../shared/grower.js";
import { date } from "../shared/money.js";
import { t } from "../shared/strings.js";

/** `list` as the API gave it. */
export async function lots(list) {
  const growers = await named(list);
  const told = list.map((one) => facts(one, growers)).filter((lines) => lines.length);
  if (!told.length) return h("p", { class: "soft", id: "lots" }, t("lots.none"));
  return h("div", { class: "stack", id: "lots" }, told.map((lines) => h("dl", { class: "card facts" },
    lines.map(([name, value]) => h("div", {}, h("dt", { class: "soft" }, t(name)), h("dd", {}, value))))));
}

/** Growers' names by id; of one that is no grower any more there is none. */
async function named(list) {
  const ids = [...new Set(list.map((one) => one.facts?.grower_id).filter(Boolean))];
  const found = await Promise.all(ids.map((id) => growerOf(id)));
  return new Map(ids.map((id, i) => [id, found[i]]));
}

/** [name of a sentence, what it says] of what somebody said about the lot. */
function facts({ facts: said = {} }, growers) {
  const days = (one) => `${date(one.valid_from)} – ${date(one.valid_to)}`;
  return [
    ["lot.grower", growers.get(said.grower_id)],
    ["lot.area", said.area_code],
    ["lot.harvested", said.harvest_day && date(said.harvest_day)],
    ["lot.sell-by", said.sell_by && date(said.sell_by)],
    ["lot.stars", Number(said.ocop_stars) ? `${said.ocop_stars}★` : ""],
    ...(said.certificates ?? []).map((one) => ["lot.certificate", `${one.name} ${one.number}${one.issuer ? ` · ${one.issuer}` : ""} · ${days(one)}`]),
  ].filter(([, value]) => value);
}
