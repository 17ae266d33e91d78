// A market: its stands to print, and its alarms.

import { get, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { when } from "../shared/money.js";
import { go, head, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";

// More than anybody walks to in a day; those that are resolved make room.
const SHOWN_MAX = 500;

export async function screen(place, marketId = "") {
  const { markets } = await get("/v1/markets");
  const select = h("select", { id: "market" }, h("option", { value: "" }, "—"), markets.map((one) => h("option", { value: one.market_id }, one.name)));
  select.value = marketId;
  select.addEventListener("change", () => go("market", select.value));
  const said = h("div", {});
  const alarms = h("div", { class: "stack" });
  async function look() {
    const all = (await Promise.all(["ALARM_STATE_OPEN", "ALARM_STATE_SEEN"].map((state) => every(marketId, state)))).flat();
    show(alarms, all.length ? all.map((one) => alarm(one, act)) : h("p", { class: "card soft" }, t("alarms.none")));
  }
  async function act(path, body) {
    try {
      show(said);
      await post(path, body);
      await look();
    } catch (error) {
      show(said, refused(error));
    }
  }
  show(place, head(t("market.page")), h("div", { class: "field" }, h("label", { for: "market" }, t("stall.market")), select),
    marketId ? [
      h("div", { class: "grid" }, ["a5", "a6"].map((format) => h("a", { class: "button", href: `/v1/markets/${marketId}/stands.pdf?format=${format}`, download: `stands-${format}.pdf` }, t(`print.${format}`)))),
      h("h2", {}, t("alarms")), said, alarms] : null);
  if (marketId) await look();
  return null;
}

/** A market's alarms in a state, page by page: what is on a later page is looked at, too. */
async function every(marketId, state) {
  const found = [];
  for (let token = null; token !== "" && found.length < SHOWN_MAX;) {
    const page = await get(`/v1/markets/${marketId}/alarms`, { state, page_token: token ?? "" });
    found.push(...page.alarms);
    token = page.next_page_token;
  }
  return found;
}

function alarm(one, act) {
  const note = field(t("alarm.note"), { id: `note-${one.alarm_id}`, maxlength: 200 });
  return h("section", { class: "card stack" },
    h("p", { class: "bad" }, t(`alarm.${one.kind}`)),
    h("p", {}, `${one.merchant_name} · ${one.stall} · ${when(one.raised_at)} · ${one.times}×`), h("p", { class: "soft" }, one.detail),
    one.state === "ALARM_STATE_OPEN" ? button(t("alarm.see"), () => act(`/v1/alarms/${one.alarm_id}/see`)) : null,
    note, button(t("alarm.resolve"), () => act(`/v1/alarms/${one.alarm_id}/resolve`, { note: note.querySelector("input").value }), { class: "main" }));
}
