// What every screen that moves money does with its button: sends once, asks for the PIN, says what is not known; and
// what was not answered before, on this screen or on another.

import { button, h, show } from "./dom.js";
import { dong } from "./money.js";
import { findOut, pending } from "./once.js";
import { refused, withPin } from "./shell.js";
import { t } from "./strings.js";

/**
 * Sends an Intention from a form. `place` shows what happens, `pin` where the PIN is asked for, `done` what was answered.
 * Until the outcome is known, the form cannot be sent with anything else; nor while one of its kind from before is open:
 * whoever does again what was not answered would do it twice.
 */
export async function sendFrom({ form, place, pin, intention, body, about, done }) {
  const submit = form.querySelector("button.main, button.danger");
  if (submit.disabled) return;
  const open = openLike(form, intention);
  if (open.length) {
    show(place, h("p", { class: "banner away", role: "alert" }, t("pay.pending.first")), open);
    return;
  }
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
        const found = await intention.findOut();
        show(place, outcome(found));
        // What was done, or waits for a review, is not done a second time from the same form.
        submit.disabled = found.outcome === "OUTCOME_DONE";
      } catch (error) {
        show(place, refused(error), notKnown(place, intention, submit));
      }
    }, { class: "main" }));
}

/** Cards of what was sent and not answered, first of all that a screen shows. `then`: once its end was read. */
export function unanswered(then) {
  return pending().map((one) => openCard(one, then));
}

/**
 * Those of what an intention's path was sent before: that the screen shows, and that were written down since. What is
 * shown is open until somebody was told how it ended: its answer may have come meanwhile, to a screen that they had left.
 */
function openLike(form, { path, key }) {
  const shown = [...form.closest(".screen").querySelectorAll("[data-open]")].filter((card) => card.dataset.path === path);
  const known = [key, ...shown.map((card) => card.dataset.open)];
  return [...shown, ...pending().filter((one) => one.path === path && !known.includes(one.key)).map((one) => openCard(one))];
}

/** How it ended is asked, and nothing is sent again. */
function openCard(one, then) {
  const said = h("div", {});
  const ask = button(t("pay.find-out"), async () => {
    try {
      show(said, outcome(await findOut(one)), button(t("done"), then ?? (() => card.remove())));
      ask.remove();
      delete card.dataset.open;
    } catch (error) {
      show(said, refused(error));
    }
  }, { class: "main" });
  const card = h("section", { class: "card", "data-open": one.key, "data-path": one.path },
    h("p", { class: "bad" }, t("pay.pending")),
    h("p", { class: "number" }, dong(one.about.amount), " ", h("span", { class: "soft" }, one.about.name ?? "")), said, ask);
  return card;
}

/** What was found out, in words. */
export function outcome(found) {
  // It may still be paid: who reads that it was refused pays again, and who reads that it was done takes the goods.
  if (found.code === "HELD") return h("p", { class: "banner away", role: "status" }, t("receipt.held"));
  if (found.outcome === "OUTCOME_DONE") return h("p", { class: "banner here", role: "status" }, t("pay.found.done"));
  const nothing = h("p", { class: "banner away", role: "status" }, t("pay.found.nothing"));
  if (found.outcome !== "OUTCOME_REFUSED") return nothing;
  // With a transfer's id it was held, and came back.
  return found.transfer_id ? h("div", { class: "stack" }, refused({ code: found.code }), nothing) : refused({ code: found.code });
}
