// How people who move money are answered: paid, refused, failed, how soon, and who lags behind the ledger.

import { get } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { t } from "../shared/strings.js";
import { spark } from "./spark.js";

// Minutes that the big figures are of, besides the one that runs: one alone says too little.
const LATELY = 5;
// A reader that lags behind by more than this many events is said loudly: at a market's pace that is minutes.
const BEHIND_MAX = 1_000;

export async function levels(place) {
  const found = await get("/v1/service-levels");
  const minutes = found.minutes.slice(-LATELY - 1);
  const lately = sum(minutes);
  const asked = lately.done + lately.refused + lately.failed;
  const newest = minutes.findLast((one) => Number(one.done)) ?? null;
  show(place, h("h2", {}, t("levels")),
    h("div", { class: "totals" },
      figure("levels.done", "success", asked ? percent(lately.done / asked) : "—", asked ? t("levels.of", { asked: asked.toLocaleString("vi-VN") }) : t("levels.none")),
      figure("levels.failed", "failed", lately.failed.toLocaleString("vi-VN"), t(lately.failed ? "levels.failed.some" : "levels.failed.none"), lately.failed > 0),
      figure("levels.p50", "p50", newest ? ms(newest.p50_ms) : "—", newest ? t("levels.p99", { ms: ms(newest.p99_ms) }) : t("levels.none"))),
    spark(found.minutes.map((one) => Number(one.done)), t("levels.hour.said", { done: found.hour.done, refused: found.hour.refused, failed: found.hour.failed })),
    h("p", { class: "soft" }, t("levels.hour.said", { done: found.hour.done, refused: found.hour.refused, failed: found.hour.failed })),
    h("ul", { class: "rows", id: "readers" }, found.readers.map(reader)));
}

function reader({ purpose, behind }) {
  const late = Number(behind) > BEHIND_MAX;
  return h("li", {}, h("span", { class: "grow" }, t(`reader.${purpose}`)),
    h("span", { class: late ? "bad" : "soft" }, Number(behind) ? t("levels.behind", { events: Number(behind).toLocaleString("vi-VN") }) : t("levels.level")));
}

function figure(label, id, shown, under, loud = false) {
  return h("div", { class: "card" }, h("p", { class: "soft" }, t(label)), h("p", { class: `number big ${loud ? "bad" : ""}`, id }, shown),
    h("p", { class: "soft small" }, under));
}

const sum = (minutes) => minutes.reduce((all, one) => ({
  done: all.done + Number(one.done), refused: all.refused + Number(one.refused), failed: all.failed + Number(one.failed),
}), { done: 0, refused: 0, failed: 0 });
// Rounded down: what is not all is never "100 %".
const percent = (part) => `${(Math.floor(1_000 * part) / 10).toLocaleString("vi-VN", { maximumFractionDigits: 1 })} %`;
const ms = (bound) => `≤ ${Number(bound).toLocaleString("vi-VN")} ms`;
