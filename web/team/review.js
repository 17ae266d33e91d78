// One merchant under review: what stands in the way, what was found, and the decision.

import { get, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { when } from "../shared/money.js";
import { head, may, refused, user } from "../shared/shell.js";
import { language, t } from "../shared/strings.js";

export async function screen(place, id) {
  const path = `/v1/merchants/${id}`;
  const [{ merchant }, { problems }, { findings }, { entries }] = await Promise.all(
    ["", "/checklist", "/findings", "/history"].map((part) => get(path + part)));
  const said = h("div", {});
  const reason = field(t("review.reason"), { id: "reason", maxlength: 200 });
  const act = (what, { reasoned = true } = {}) => async () => {
    try {
      await post(`${path}/${what}`, reasoned ? { reason: reason.querySelector("input").value.trim() } : {});
      await screen(place, id);
    } catch (error) {
      show(said, refused(error));
    }
  };
  const words = (one) => (language() === "vi" ? one.vi : one.en);
  const open = findings.filter((one) => !one.accepted_by);
  const mine = merchant.state === "MERCHANT_STATE_IN_REVIEW" && merchant.assigned_to === user().user_id;
  show(place, head(merchant.name),
    h("section", { class: "card" },
      h("p", {}, `${merchant.market_name} · ${merchant.stall}`),
      h("p", {}, `${merchant.person_name} · ${merchant.phone_masked} · ${merchant.citizen_id_masked}`),
      h("p", {}, `${merchant.settlement_account?.bank_name ?? ""} ${merchant.settlement_account?.account_masked ?? ""} · ${merchant.settlement_account?.account_name ?? ""}`),
      h("p", { class: "soft", id: "state" }, t(`review.${merchant.state}`))),
    problems.length ? h("section", { class: "card" }, h("p", { class: "bad" }, t("draft.problems")), h("ul", {}, problems.map((one) => h("li", {}, words(one))))) : null,
    open.length ? h("section", { class: "card stack" }, h("p", { class: "bad" }, t("review.found")), open.map((one) => h("div", { class: "stack" },
      h("p", {}, words(one)), button(t("review.accept"), act(`findings/${encodeURIComponent(one.finding_id)}/accept`))))) : null,
    said,
    ["MERCHANT_STATE_SUBMITTED", "MERCHANT_STATE_IN_REVIEW"].includes(merchant.state) ? reason : null,
    merchant.state === "MERCHANT_STATE_SUBMITTED" ? button(t("review.claim"), act("claim", { reasoned: false }), { class: "main" }) : null,
    mine ? h("div", { class: "stack" },
      button(t("review.approve"), act("approve"), { class: "main" }),
      button(t("review.return"), act("return")),
      button(t("review.refuse"), act("refuse"), { class: "danger" }),
      button(t("review.release"), act("release"), { class: "plain" })) : null,
    merchant.state === "MERCHANT_STATE_ACTIVE" ? h("a", { class: "button main", href: `${path}/stand.pdf`, download: `${merchant.stall}.pdf` }, t("print.stand")) : null,
    merchant.state === "MERCHANT_STATE_ACTIVE" && may("operator") ? h("div", {}, reason, button(t("review.suspend"), act("suspend"), { class: "danger" })) : null,
    h("h2", {}, t("break.history")),
    h("ul", { class: "rows" }, entries.map((one) => h("li", {}, h("span", { class: "soft small" }, when(one.at)),
      h("span", { class: "grow" }, one.action, one.reason ? `: ${one.reason}` : ""), h("span", { class: "soft small" }, one.actor.slice(-6))))));
  return null;
}
