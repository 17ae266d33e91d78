// Money to a phone number: first who it is, then how much.

import { post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong, groupWhileTyped, typedAmount } from "../shared/money.js";
import { Intention } from "../shared/once.js";
import { sendFrom, unanswered } from "../shared/pay.js";
import { go, head, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { choice, wallets } from "./wallets.js";

export async function screen(place) {
  const said = h("div", {});
  const phone = field(t("send.to"), { id: "to", type: "tel", inputmode: "tel", required: true });
  const form = h("form", { class: "stack" }, phone, said, h("button", { class: "main" }, t("send.find")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const nobody = () => show(said, h("p", { class: "banner refused", role: "alert" }, t("send.nobody")));
    try {
      const number = phone.querySelector("input").value;
      const who = await post("/v1/phone/inspect", { phone: number });
      if (who.telecoms.length) await amountFor(place, number, who.name);
      else nobody();
    } catch (error) {
      if (error.code === "NOT_FOUND") nobody();
      else show(said, refused(error));
    }
  });
  show(place, head(t("send")), unanswered(), form);
  return null;
}

async function amountFor(place, phone, name) {
  const { shown, chosen } = choice(await wallets());
  const [said, pin] = [h("div", {}), h("div", {})];
  const amount = field(t("amount"), { id: "amount", inputmode: "numeric", class: "amount", required: true, maxlength: 18 });
  const note = field(t("note"), { id: "note", maxlength: 140 });
  const input = amount.querySelector("input");
  groupWhileTyped(input);
  const submit = h("button", { class: "main" }, t("send.do", { amount: "" }));
  input.addEventListener("input", () => { submit.textContent = t("send.do", { amount: dong(typedAmount(input.value)) }); });
  const intention = new Intention("/v1/transfers");
  const form = h("form", { class: "stack" }, amount, note, shown, said, submit);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { wallet_id: chosen(), to_phone: phone, amount: typedAmount(input.value), note: note.querySelector("input").value };
    await sendFrom({
      form, place: said, pin, intention, body, about: { amount: body.amount, name },
      done: ({ transfer }) => show(place, head(t("send")), h("section", { class: "card center" },
        h("p", { class: "good" }, `✓ ${t("send.done")}`), h("p", { class: "number big" }, dong(transfer.amount)),
        h("p", { class: "name" }, name)), button(t("done"), () => go(""), { class: "main" })),
    });
  });
  show(place, head(t("send")), unanswered(), h("section", { class: "card center" }, h("p", { class: "soft" }, t("send.who")),
    h("p", { class: "name" }, name)), form, pin);
  input.focus();
}
