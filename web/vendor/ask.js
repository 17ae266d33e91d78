// Asking for an amount: a dynamic code on the screen, until it is paid, withdrawn or over.

import { get, newKey, post } from "../shared/api.js";
import { button, field, h, show, tell } from "../shared/dom.js";
import { dong, groupWhileTyped, typedAmount, when } from "../shared/money.js";
import { repeat } from "../shared/repeat.js";
import { head, refused } from "../shared/shell.js";
import { sentence, t } from "../shared/strings.js";
import { amountInWords } from "../shared/words.js";
import { drawn } from "../shared/draw.js";
import { stall } from "./stall.js";

const ASKED_EVERY_MS = 1_500;

export async function screen(place) {
  const mine = await stall();
  const said = h("div", {});
  const amount = field(t("amount"), { id: "amount", inputmode: "numeric", class: "amount", required: true, maxlength: 18 });
  const words = h("p", { class: "hint", "aria-live": "polite" }, " ");
  const purpose = field(t("ask.purpose"), { id: "purpose", maxlength: 25 });
  const input = amount.querySelector("input");
  groupWhileTyped(input);
  input.addEventListener("input", () => {
    words.textContent = typedAmount(input.value) ? amountInWords(typedAmount(input.value)) : " ";
  });
  // The same request sent again by a double tap or a weak network is one; another amount is another one.
  let [key, keyed] = ["", ""];
  const form = h("form", { class: "stack" }, amount, words, purpose, said, h("button", { class: "main" }, t("ask.show")));
  let stop = null;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("button");
    submit.disabled = true;
    try {
      const body = { amount: typedAmount(input.value), purpose: purpose.querySelector("input").value };
      if (JSON.stringify(body) !== keyed) [key, keyed] = [newKey(), JSON.stringify(body)];
      const { request } = await post(`/v1/merchants/${mine.merchant_id}/requests`, { request_id: key, ...body });
      if (place.isConnected) stop = watch(place, request);
    } catch (error) {
      show(said, refused(error));
      submit.disabled = false;
    }
  });
  show(place, head(t("ask")), form);
  input.focus();
  return () => stop?.();
}

function watch(place, request) {
  const path = `/v1/merchants/${request.merchant_id}/requests/${encodeURIComponent(request.reference)}`;
  const said = h("p", { class: "banner here", role: "status" }, t("ask.waiting"));
  const code = h("div", {}, drawn(request.qr_payload, `${t("qr")}: ${dong(request.amount)}`));
  const refusal = h("div", {});
  const withdraw = button(t("ask.withdraw"), async () => {
    try {
      await post(`${path}/withdraw`);
      history.back();
    } catch (error) {
      // It can still be paid: whoever leaves it has to know.
      show(refusal, refused(error));
    }
  }, { class: "danger" });
  show(place, head(t("ask")),
    h("p", { class: "number big center" }, dong(request.amount)), code,
    h("p", { class: "center soft" }, `${request.reference} · ${when(request.expires_at)}`), said, refusal, withdraw);
  // The ledger says it, never the payer's screen.
  return repeat(async () => {
    const { request: now } = await get(path);
    const missing = Number(now.amount) - Number(now.paid);
    if (now.state === "REQUEST_STATE_PAID") return end("ask.paid", "banner here");
    if (now.state === "REQUEST_STATE_EXPIRED") return end("ask.expired", "banner refused");
    if (now.state === "REQUEST_STATE_CANCELLED") return end("ask.withdrawn", "banner refused");
    if (Number(now.paid) > 0 && missing > 0) say(t("ask.short", { paid: dong(now.paid), missing: dong(missing) }), "banner refused");
    else say(t("ask.waiting"), "banner here");
    return false;
  }, ASKED_EVERY_MS, (error) => say(sentence(error), "banner away"));
  // What is said already is not said again to those who listen to the screen.
  function say(words, look) {
    said.className = look;
    if (said.textContent !== words) said.textContent = words;
  }
  function end(name, look) {
    code.remove();
    show(refusal);
    withdraw.replaceWith(button(t("done"), () => history.back(), { class: "main" }));
    say(t(name), look);
    tell(t(name));
    return true;
  }
}
