// Taking a payment by the one-time code that a payer shows.

import { button, field, h, show } from "../shared/dom.js";
import { dong, groupWhileTyped, typedAmount } from "../shared/money.js";
import { Intention } from "../shared/once.js";
import { sendFrom, unanswered } from "../shared/pay.js";
import { scanner } from "../shared/scan.js";
import { head } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { stall } from "./stall.js";

export async function screen(place) {
  const mine = await stall();
  const [said, pin] = [h("div", {}), h("div", {})];
  const amount = field(t("amount"), { id: "amount", inputmode: "numeric", class: "amount", required: true, maxlength: 18 });
  const code = field(t("redeem.code"), { id: "code", inputmode: "numeric", maxlength: 23, required: true, class: "digits" });
  const [typed, digits] = [amount.querySelector("input"), code.querySelector("input")];
  groupWhileTyped(typed);
  const camera = h("div", {});
  let stop = () => {};
  const open = button(t("scan"), () => {
    stop();
    stop = scanner(camera, (text) => {
      digits.value = text.replace(/\D/g, "").slice(0, 18);
      stop();
      show(camera);
    });
  });
  const form = h("form", { class: "stack" }, amount, code, camera, open, said,
    h("button", { class: "main" }, t("redeem.take", { amount: "" })));
  const submit = form.querySelector("button.main");
  typed.addEventListener("input", () => { submit.textContent = t("redeem.take", { amount: dong(typedAmount(typed.value)) }); });
  const intention = new Intention("/v1/codes/redeem");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { merchant_id: mine.merchant_id, code: digits.value.replace(/\D/g, ""), amount: typedAmount(typed.value) };
    await sendFrom({
      form, place: said, pin, intention, body, about: { amount: body.amount, name: t("redeem") },
      done: ({ payment }) => show(place, head(t("redeem")), h("section", { class: "card center" },
        h("p", { class: "good" }, t("redeem.done")), h("p", { class: "number big" }, dong(payment.amount)),
        h("p", { class: "number huge" }, payment.code)), button(t("done"), () => history.back(), { class: "main" })),
    });
  });
  show(place, head(t("redeem")), unanswered(), h("p", { class: "soft" }, t("redeem.hint")), form, pin);
  return () => stop();
}
