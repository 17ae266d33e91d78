// Recalls: which lots, why, and how far each is. Operators and auditors may know.

import { get } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { may } from "../shared/shell.js";
import { t } from "../shared/strings.js";

// The newest: a screen on a wall has no more room.
const SHOWN = 8;
// Where "done" speaks of the money: before, it says that orders are stopped.
const GOES_BACK = ["RECALL_STATE_RELEASED", "RECALL_STATE_FINISHED"];
const BACK = "RECALL_LINE_STATE_REFUNDED";

export async function recalls(place) {
  if (!may("operator", "auditor")) return;
  const found = (await get("/v1/recalls")).recalls;
  show(place, h("h2", {}, t("recalls")), found.length ? h("ul", { class: "rows" }, found.slice(0, SHOWN).map(row)) : h("p", { class: "soft" }, t("recalls.none")));
}

function row(one) {
  const [done, lines] = [Number(one.done), Number(one.lines)];
  const far = GOES_BACK.includes(one.state) ? t("recalls.done", { done, lines }) : t("recalls.lines", { lines });
  const back = one.tallies.filter((tally) => tally.state === BACK).reduce((sum, tally) => sum + Number(tally.amount), 0);
  return h("li", { "data-recall": one.recall_id },
    h("span", { class: "soft small" }, when(one.opened_at)),
    h("span", { class: "grow" },
      h("span", { class: "number wraps" }, one.product_name || one.product_id), h("br"), one.reason, h("br"),
      h("span", { class: "soft small" }, t(`recall.${one.state}`), " · ", far, back ? ` · ${t("recalls.back", { amount: dong(back) })}` : ""),
      lines && GOES_BACK.includes(one.state) ? h("progress", { max: lines, value: done, "aria-label": far }) : null),
    h("a", { href: `/v1/recalls/${one.recall_id}/report`, download: true, "aria-label": t("recalls.report", { name: one.product_name }) }, "CSV"));
}
