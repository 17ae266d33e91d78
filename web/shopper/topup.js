// Money from a card. Card numbers never come here: the provider's form makes a token of them.

import { get } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong, groupWhileTyped, typedAmount, when } from "../shared/money.js";
import { Intention } from "../shared/once.js";
import { sendFrom, unanswered } from "../shared/pay.js";
import { repeat } from "../shared/repeat.js";
import { go, head } from "../shared/shell.js";
import { t, tOf } from "../shared/strings.js";
import { choice, wallets } from "./wallets.js";

// The provider's own test cards: what the simulator takes, and Stripe's test mode.
const CARDS = { pm_card_visa: "Visa 4242", pm_card_authenticationRequired: "Visa 3184 (3-D Secure)", pm_card_visa_chargeDeclined: "Visa 0002 (từ chối)" };
const ASKED_EVERY_MS = 1_500;
const ASKED_MAX = 40;
const RECENT = 5;
const OPEN = ["CREATED", "PENDING", "UNKNOWN", "PAID", "REQUIRES_ACTION"].map((state) => `TOP_UP_STATE_${state}`);

export async function screen(place, topUpId) {
  if (topUpId) return follow(place, topUpId);
  const [mine, { top_ups: made }] = await Promise.all([wallets(), get("/v1/me/top-ups", { page_size: RECENT })]);
  const { shown, chosen } = choice(mine);
  const [said, pin] = [h("div", {}), h("div", {})];
  const amount = field(t("amount"), { id: "amount", inputmode: "numeric", class: "amount", required: true, value: "200.000" });
  const input = amount.querySelector("input");
  groupWhileTyped(input);
  const card = h("select", { id: "card" }, Object.entries(CARDS).map(([token, name]) => h("option", { value: token }, name)));
  const submit = h("button", { class: "main" }, t("top-up.do", { amount: dong(typedAmount(input.value)) }));
  input.addEventListener("input", () => { submit.textContent = t("top-up.do", { amount: dong(typedAmount(input.value)) }); });
  const intention = new Intention("/v1/top-ups");
  const form = h("form", { class: "stack" }, amount, shown,
    h("div", { class: "field" }, h("label", { for: "card" }, t("top-up.card")), card, h("p", { class: "hint" }, t("top-up.demo"))),
    said, submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = {
      wallet_id: chosen(), amount: typedAmount(input.value), payment_method: card.value, return_url: `https://${location.host}/shopper/`,
    };
    const about = { amount: body.amount, name: card.selectedOptions[0].text };
    await sendFrom({ form, place: said, pin, intention, body, about, done: ({ top_up: made }) => go("top-up", made.top_up_id) });
  });
  const before = made.length ? [h("h2", {}, t("top-up.recent")), h("ul", { class: "rows", id: "top-ups" }, made.map(row))] : [];
  show(place, head(t("top-up")), unanswered(() => screen(place)), form, pin, before);
  return null;
}

/** Where somebody looks before they do again what was not answered, and goes on with what their bank asks. */
function row(one) {
  return h("li", { "data-id": one.top_up_id },
    h("span", { class: "soft small" }, when(one.created_at)),
    h("span", { class: "grow small" }, tOf("top-up", one.state)),
    button(dong(one.amount), () => go("top-up", one.top_up_id), { "aria-label": `${t("top-up")} ${dong(one.amount)}` }));
}

async function follow(place, id) {
  const said = h("div", { role: "status" });
  show(place, head(t("top-up")), said, button(t("done"), () => go(""), { class: "main" }));
  let asked = 0;
  // Only where it is another: what is under a thumb, or being read out, stays.
  const draw = (made) => {
    if (said.firstElementChild?.outerHTML !== made.outerHTML) show(said, made);
  };
  async function look() {
    const { top_up: now } = await get(`/v1/top-ups/${id}`);
    if (now.state === "TOP_UP_STATE_DONE") draw(h("p", { class: "banner here" }, t("top-up.done", { amount: dong(now.amount) })));
    else if (now.state === "TOP_UP_STATE_DECLINED") draw(h("p", { class: "banner refused" }, now.decline_message || now.decline_code));
    else if (now.state === "TOP_UP_STATE_REQUIRES_ACTION") draw(h("a", { class: "button main", href: now.redirect_url }, t("top-up.confirm")));
    else if (OPEN.includes(now.state)) draw(h("p", { class: "banner away" }, t(asked < 3 ? "top-up.waiting" : "top-up.unknown")));
    else draw(h("p", { class: "banner away" }, tOf("top-up", now.state)));
    asked += 1;
    return !OPEN.includes(now.state) || asked >= ASKED_MAX;
  }
  return (await look()) ? null : repeat(look, ASKED_EVERY_MS);
}
