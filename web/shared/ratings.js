// What buyers say of a stall or of its goods, and what the stall answers. OCOP stars are another thing.

import { ApiError, get } from "./api.js";
import { h, show } from "./dom.js";
import { date, day } from "./money.js";
import { t } from "./strings.js";

const LATEST = 3;
const MEAN = new Intl.NumberFormat("vi-VN", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** "29/11/2026": words of last year are no news. */
const on = (moment) => date(day(moment));

/** "★★★★☆", said as "4 of 5 points". */
export function stars(points) {
  return h("span", { class: "stars", role: "img", "aria-label": t("ratings.of", { points }) }, "★".repeat(points) + "☆".repeat(5 - points));
}

/** What ratings come to: the mean, how many, and how many gave how many points. */
export function summary({ count, mean_hundredths: mean, histogram }) {
  if (!Number(count)) return h("p", { class: "card soft", id: "unrated" }, t("ratings.none"));
  return h("section", { class: "card", id: "rated" },
    h("p", {}, h("span", { class: "number big" }, t("ratings.mean", { mean: MEAN.format(mean / 100) })), " ", h("span", { class: "soft" }, t("ratings.count", { count }))),
    h("ol", { class: "hours", "aria-label": t("ratings.histogram") }, [5, 4, 3, 2, 1].map((points) => bar(points, Number(histogram[points - 1]), Number(count)))));
}

function bar(points, many, count) {
  const drawn = h("span", { class: "bar", "aria-hidden": "true" });
  drawn.style.width = `${(100 * many) / count}%`;
  return h("li", {}, h("span", { role: "img", "aria-label": t("ratings.of", { points }) }, `${points} ★`), drawn, h("span", { class: "number" }, many));
}

/** One rating; `below`: what can be done with it. */
export function row(rating, below = null) {
  return h("li", { "data-rating": rating.rating_id }, h("div", { class: "grow" },
    h("p", {}, stars(rating.points), " ", h("span", { class: "soft small" }, `${rating.writer_name || t("ratings.somebody")} · ${on(rating.given_at)}`,
      rating.changed_at ? ` · ${t("ratings.changed", { time: on(rating.changed_at) })}` : null)),
    words(rating), below));
}

/** What was written, and answered. */
export function words(rating) {
  return [
    rating.comment ? h("p", {}, rating.comment) : null,
    rating.answer ? h("div", { class: "answer" }, h("p", { class: "soft small" }, `${t("ratings.answer")} · ${on(rating.answered_at)}`), h("p", {}, rating.answer)) : null,
  ];
}

/** Fills `place` with what ratings come to and the latest words, once they are there: nobody waits for them to buy. */
export async function latest(place, path) {
  try {
    const found = await get(path, { page_size: LATEST });
    show(place, summary(found.summary), found.ratings.length ? h("ul", { class: "rows" }, found.ratings.map((one) => row(one))) : null);
  } catch (error) {
    // Without them it is bought by what the stall says of it.
    if (!(error instanceof ApiError)) throw error;
  }
}

/** A text field of several lines, as long as a rating or an answer may be. */
export function writing(label, id, value, hint = "") {
  return h("div", { class: "field" }, h("label", { for: id }, label), h("textarea", { id, maxlength: 500, rows: 3, value, "aria-describedby": hint ? `${id}-hint` : false }),
    hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null);
}
