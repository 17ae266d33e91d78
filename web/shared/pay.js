// What every screen that moves money does with its button: sends once, asks for the PIN, says what is not known.

import { button, h, show } from "./dom.js";
import { refused, withPin } from "./shell.js";
import { t } from "./strings.js";

/**
 * Sends an Intention from a form. `place` shows what happens, `pin` where the PIN is asked for, `done` what was answered.
 * Until the outcome is known, the form cannot be sent with anything else.
 */
export async function sendFrom({ form, place, pin, intention, body, about, done }) {
  const submit = form.querySelector("button.main, button.danger");
  if (submit.disabled) return;
  submit.disabled = true;
  show(place, h("p", { class: "banner here" }, t("pay.waiting")));
  try {
    const reply = await withPin(pin, () => intention.send(body, about, () => show(place, h("p", { class: "banner away" }, t("pay.asking")))));
    show(place);
    if (reply) {
      done(reply);
      return;
    }
  } catch (error) {
    if (intention.unknown) {
      show(place, notKnown(place, intention, submit));
      return;
    }
    show(place, refused(error));
  }
  submit.disabled = false;
}

function notKnown(place, intention, submit) {
  if (!intention.resolvable) {
    // The same again has the same key.
    submit.disabled = false;
    return h("p", { class: "banner away", role: "alert" }, t("pay.unknown.again"));
  }
  return h("div", { class: "stack" }, h("p", { class: "banner away", role: "alert" }, t("pay.unknown")),
    button(t("pay.find-out"), async () => {
      try {
        show(place, outcome(await intention.findOut()));
        submit.disabled = false;
      } catch (error) {
        show(place, refused(error), notKnown(place, intention, submit));
      }
    }, { class: "main" }));
}

/** What was found out, in words. */
export function outcome(found) {
  if (found.outcome === "OUTCOME_DONE") return h("p", { class: "banner here", role: "status" }, t("pay.found.done"));
  if (found.outcome === "OUTCOME_REFUSED") return refused({ code: found.code });
  return h("p", { class: "banner away", role: "status" }, t("pay.found.nothing"));
}
