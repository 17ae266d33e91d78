// The vendor confirms on their own phone; then the draft is handed in.

import { get, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { when } from "../shared/money.js";
import { go, head, pinField, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { draft, drop } from "./drafts.js";

export async function screen(place, id) {
  const one = draft(id);
  if (!one?.merchant_id) {
    go("");
    return null;
  }
  // What was typed since is neither what the vendor confirms nor what is handed in.
  if (one.changed) {
    go("draft", id, "check");
    return null;
  }
  const path = `/v1/drafts/${one.merchant_id}`;
  const said = h("div", {});
  const state = h("div", { class: "stack" });
  async function draw() {
    const { confirmation } = await get(`${path}/confirmation`);
    if (confirmation.confirmed) show(state, h("p", { class: "banner here" }, t("confirm.done")), account(), button(t("confirm.hand-in"), handIn, { class: "main" }));
    else if (confirmation.code_sent) show(state, typing(confirmation));
    else show(state, h("p", {}, t("confirm.why", { phone: confirmation.phone_masked })), button(t("confirm.send"), send, { class: "main" }));
  }
  const attempt = async (work) => {
    try {
      show(said);
      await work();
    } catch (error) {
      show(said, refused(error));
    }
  };
  const send = () => attempt(async () => { await post(`${path}/confirmation`); await draw(); });
  function typing({ phone_masked: phone, code_expires_at: until, tries_left: tries }) {
    const code = field(t("confirm.code"), { id: "code", inputmode: "numeric", maxlength: 6, class: "pin", autocomplete: "one-time-code" });
    return h("div", { class: "stack" }, h("p", {}, t("confirm.sent", { phone, time: when(until), tries })), code,
      button(t("confirm.check"), () => attempt(async () => {
        // Used: its answer was lost, and what it confirmed is asked for next.
        await post(`${path}/confirm`, { code: code.querySelector("input").value }).catch((error) => { if (error.code !== "CODE_USED") throw error; });
        await draw();
      }), { class: "main" }), button(t("confirm.again"), send));
  }
  /** A stall is approved once its vendor has an account: they choose its PIN themselves, here. */
  function account() {
    const pin = pinField();
    const place = h("section", { class: "card stack" }, h("p", {}, t("account.open.why")), pin,
      button(t("account.open"), () => attempt(async () => {
        const body = { phone: one.form.phone, name: one.form.person_name, pin: pin.querySelector("input").value, roles: ["vendor", "shopper"] };
        const made = await post("/v1/users", body).catch((error) => { if (error.code !== "ALREADY_EXISTS") throw error; });
        show(place, h("p", { class: "good" }, t(made ? "account.opened" : "account.there")));
      })));
    return place;
  }
  const handIn = () => attempt(async () => {
    await post(`/v1/merchants/${one.merchant_id}/submit`);
    drop(id);
    show(place, head(t("app.team")), h("p", { class: "banner here" }, t("confirm.handed-in", { name: one.form.person_name })),
      button(t("done"), () => go(""), { class: "main" }));
  });
  show(place, head(t("confirm")), h("p", { class: "number" }, `${one.form.person_name} · ${one.form.name}`), said, state);
  await draw();
  return null;
}
