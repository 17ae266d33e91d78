// Giving a payment back, whole or in part.

import { get } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong, groupWhileTyped, grouped, typedAmount, when } from "../shared/money.js";
import { Intention } from "../shared/once.js";
import { sendFrom, unanswered } from "../shared/pay.js";
import { head } from "../shared/shell.js";
import { t } from "../shared/strings.js";

export async function screen(place, paymentId) {
  const { payment } = await get(`/v1/payments/${paymentId}`);
  const left = Number(payment.amount) - Number(payment.refunded);
  const [said, pin] = [h("div", {}), h("div", {})];
  const amount = field(t("amount"), {
    id: "amount", inputmode: "numeric", class: "amount", required: true, value: grouped(left),
  }, t("refund.left", { amount: dong(left) }));
  const reason = field(t("refund.reason"), { id: "reason", maxlength: 140 });
  const input = amount.querySelector("input");
  groupWhileTyped(input);
  const submit = h("button", { class: "danger" }, t("refund.give", { amount: dong(left) }));
  input.addEventListener("input", () => { submit.textContent = t("refund.give", { amount: dong(typedAmount(input.value)) }); });
  const form = h("form", { class: "stack" }, amount, reason, said, submit);
  const intention = new Intention(`/v1/payments/${paymentId}/refunds`);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { amount: typedAmount(input.value), reason: reason.querySelector("input").value };
    await sendFrom({
      form, place: said, pin, intention, body, about: { amount: body.amount, name: t("refund") },
      done: ({ refund }) => show(place, head(t("refund")), h("p", { class: "banner here" }, t("refund.done", { amount: dong(refund.amount) })),
        button(t("done"), () => history.back(), { class: "main" })),
    });
  });
  // What is left may be less by then.
  show(place, head(t("refund")), unanswered(() => screen(place, paymentId)),
    h("p", { class: "card" }, t("refund.of", { amount: dong(payment.amount), time: when(payment.at) })),
    left > 0 ? form : h("p", { class: "soft" }, t("refund.left", { amount: dong(0) })), pin);
  return null;
}
