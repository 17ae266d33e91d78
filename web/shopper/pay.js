// Who is paid, how much, the PIN where it is needed, and the receipt.

import { post } from "../shared/api.js";
import { button, field, h, show, tell } from "../shared/dom.js";
import { dong, groupWhileTyped, grouped, typedAmount, when } from "../shared/money.js";
import { Intention } from "../shared/once.js";
import { sendFrom, unanswered } from "../shared/pay.js";
import { go, head } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { amountInWords } from "../shared/words.js";
import { knownBy } from "./stall.js";
import { choice, wallets } from "./wallets.js";

export async function screen(place, payload) {
  const [seen, mine] = await Promise.all([post("/v1/qr/inspect", { payload }), wallets()]);
  const asked = Number(seen.amount);
  const over = ["REQUEST_STATE_PAID", "REQUEST_STATE_CANCELLED", "REQUEST_STATE_EXPIRED"].includes(seen.request_state);
  const sells = h("div", { id: "sells" });
  const stall = h("section", { class: "card center" },
    h("p", { class: "soft" }, t("pay.to")),
    h("p", { class: "name", id: "payee" }, seen.merchant_name),
    h("p", {}, [seen.market_name, seen.stall].filter(Boolean).join(" · ")),
    sells,
    seen.reference ? h("p", { class: "soft" }, t("order", { reference: seen.reference })) : null,
    seen.warnings.map((warning) => h("p", { class: "bad small" }, warning)));
  if (seen.merchant_id) knownBy(sells, seen);
  if (!seen.payable || over) {
    const why = over ? t(`pay.requested.${seen.request_state}`) : t("pay.stopped");
    show(place, head(t("scan")), unanswered(), stall, h("p", { class: "banner refused", role: "alert" }, why), button(t("back"), () => history.back()));
    return null;
  }
  const { shown, chosen } = choice(mine);
  const [said, pin] = [h("div", {}), h("div", {})];
  const amount = field(t("amount"), {
    id: "amount", inputmode: "numeric", class: "amount", required: true, maxlength: 18, readonly: asked > 0, value: asked ? grouped(asked) : "",
  });
  const words = h("p", { class: "hint", "aria-live": "polite" }, asked ? amountInWords(asked) : " ");
  const note = field(t("note"), { id: "note", maxlength: 140 });
  const input = amount.querySelector("input");
  groupWhileTyped(input);
  const submit = h("button", { class: "main" }, t("pay", { amount: asked ? dong(asked) : "" }));
  input.addEventListener("input", () => {
    const typed = typedAmount(input.value);
    words.textContent = typed ? amountInWords(typed) : " ";
    submit.textContent = t("pay", { amount: typed ? dong(typed) : "" });
  });
  const intention = new Intention("/v1/payments");
  const form = h("form", { class: "stack" }, amount, words, note, shown, said, submit, h("p", { class: "hint center" }, t("pay.check")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { wallet_id: chosen(), qr_payload: payload, amount: typedAmount(input.value), note: note.querySelector("input").value };
    const about = { amount: body.amount, name: seen.merchant_name };
    await sendFrom({ form, place: said, pin, intention, body, about, done: ({ payment }) => receipt(place, payment, seen) });
  });
  show(place, head(t("scan")), unanswered(), stall, form, pin);
  if (!asked) input.focus();
  return null;
}

/** What the ledger answered: the three digits are the vendor's, too. */
function receipt(place, payment, seen) {
  const held = payment.state === "TRANSFER_STATE_HELD";
  tell(`${t("receipt")} ${dong(payment.amount)}`);
  show(place, head(t("receipt")),
    h("section", { class: "card center", id: "receipt", "data-id": payment.transfer_id },
      h("p", { class: held ? "bad" : "good" }, held ? t("receipt.held") : `✓ ${t("receipt")}`),
      h("p", { class: "number big" }, dong(payment.amount)),
      h("p", { class: "name" }, seen.merchant_name),
      h("p", { class: "soft" }, [seen.market_name, seen.stall, when(payment.at)].filter(Boolean).join(" · ")),
      h("p", { class: "number huge", "aria-label": `${t("code")} ${[...payment.code].join(" ")}` }, payment.code),
      h("p", { class: "soft" }, t("receipt.show"))),
    button(t("done"), () => go(""), { class: "main" }));
}
