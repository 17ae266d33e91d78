// A one-time code that the vendor scans: a ceiling, a short life, one use.

import { post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { drawn } from "../shared/draw.js";
import { dong, groupWhileTyped, typedAmount, when } from "../shared/money.js";
import { repeat } from "../shared/repeat.js";
import { head, refused, withPin } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { choice, wallets } from "./wallets.js";

const ASKED_EVERY_MS = 1_500;

export async function screen(place) {
  const mine = await wallets();
  const { shown, chosen } = choice(mine);
  const [said, pin] = [h("div", {}), h("div", {})];
  const ceiling = field(t("present.ceiling"), { id: "ceiling", inputmode: "numeric", class: "amount", required: true, value: "200.000" });
  const input = ceiling.querySelector("input");
  groupWhileTyped(input);
  const form = h("form", { class: "stack" }, ceiling, shown, said, h("button", { class: "main" }, t("present.make")));
  let stop = () => {};
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("button");
    submit.disabled = true;
    try {
      const body = { wallet_id: chosen(), ceiling: typedAmount(input.value) };
      const made = await withPin(pin, () => post("/v1/codes", body));
      if (made && place.isConnected) stop = code(place, made);
    } catch (error) {
      show(said, refused(error));
    }
    submit.disabled = false;
  });
  show(place, head(t("present")), form, pin);
  return () => stop();
}

function code(place, made) {
  const digits = made.code.replace(/(\d{3})(?=\d)/g, "$1 ");
  const said = h("p", { class: "center", role: "status" }, t("present.hint", { time: when(made.expires_at) }));
  const refusal = h("div", {});
  const picture = drawn(made.code, t("present"));
  show(place, head(t("present")), picture, h("p", { class: "digits", id: "digits" }, digits),
    h("p", { class: "center number" }, `≤ ${dong(made.ceiling)}`), said, refusal,
    button(t("cancel"), async () => {
      try {
        await post("/v1/codes/cancel", { code: made.code });
        history.back();
      } catch (error) {
        // It can still be paid with: whoever leaves it has to know.
        show(refusal, refused(error));
      }
    }, { class: "danger" }));
  return repeat(async () => {
    const { state } = await post("/v1/codes/check", { code: made.code });
    const over = { CODE_STATE_USED: "present.used", CODE_STATE_EXPIRED: "present.expired" }[state];
    if (!over) return false;
    picture.remove();
    said.className = state === "CODE_STATE_USED" ? "banner here" : "banner refused";
    said.textContent = t(over);
    return true;
  }, ASKED_EVERY_MS);
}
