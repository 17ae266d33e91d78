// What waits for a reviewer, the longest waiting first.

import { get } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { go, head } from "../shared/shell.js";
import { t } from "../shared/strings.js";

const PLACE = "cho.review-market";

export async function screen(place, marketId = localStorage.getItem(PLACE) ?? "", state = "MERCHANT_STATE_SUBMITTED") {
  const { markets } = await get("/v1/markets");
  const select = h("select", { id: "market" }, h("option", { value: "" }, "—"), markets.map((one) => h("option", { value: one.market_id }, one.name)));
  select.value = marketId;
  select.addEventListener("change", () => {
    localStorage.setItem(PLACE, select.value);
    go("reviews", select.value, state);
  });
  const rows = h("ul", { class: "rows", id: "reviews" });
  const more = h("div", {});
  async function page(token) {
    const found = await get("/v1/merchant-reviews", { market_id: marketId, state, page_token: token });
    rows.append(...found.reviews.map(row));
    if (!rows.children.length) rows.append(h("li", { class: "soft" }, t("reviews.none")));
    show(more, found.next_page_token ? button(t("older"), () => page(found.next_page_token)) : null);
  }
  const states = ["MERCHANT_STATE_SUBMITTED", "MERCHANT_STATE_IN_REVIEW"];
  show(place, head(t("reviews")),
    h("div", { class: "field" }, h("label", { for: "market" }, t("stall.market")), select),
    h("nav", { class: "tabs" }, states.map((one) => h("a", { href: `#/reviews/${marketId}/${one}`, "aria-current": one === state ? "page" : false }, t(`review.${one}`)))),
    rows, more);
  if (marketId) await page("");
  else rows.append(h("li", { class: "soft" }, t("reviews.choose")));
  return null;
}

function row({ merchant, age_s: age, open_findings: findings }) {
  return h("li", {}, h("span", { class: "grow" }, h("span", { class: "number" }, merchant.name), ` · ${merchant.stall}`, h("br"),
    h("span", { class: "soft small" }, t("review.age", { hours: Math.floor(Number(age) / 3600) })),
    findings ? h("span", { class: "bad small" }, ` · ${t("review.findings", { findings })}`) : null),
    button(t("draft.open"), () => go("review", merchant.merchant_id)));
}
