// What every screen that moves money does with its button: sends once, asks for the PIN, says what is not known; and
// what was not answered before, on this screen or on another.

import { button, h, show } from "./dom.js";
import { dong } from "./money.js";
import { findOut, Intention, pending, resolvable } from "./once.js";
import { go, refused, withPin } from "./shell.js";
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
      show(place, notKnown({ place, pin, intention, submit, done }));
      return;
    }
    show(place, refused(error));
  }
  submit.disabled = false;
}

function notKnown({ place, pin, intention, submit, done }) {
  if (!intention.resolvable) {
    const ended = (why) => {
      show(place, why);
      submit.disabled = false;
    };
    const answered = (reply) => {
      show(place);
      done(reply);
    };
    return h("div", { class: "stack" }, h("p", { class: "banner away", role: "alert" }, t("pay.unknown.again")), sending(intention, pin, answered, ended));
  }
  return h("div", { class: "stack" }, h("p", { class: "banner away", role: "alert" }, t("pay.unknown")),
    button(t("pay.find-out"), async () => {
      try {
        const found = await intention.findOut();
        show(place, outcome(found));
        // What was done, or waits for a review, is not done a second time from the same form.
        submit.disabled = found.outcome === "OUTCOME_DONE";
      } catch (error) {
        show(place, refused(error), notKnown({ place, pin, intention, submit, done }));
      }
    }, { class: "main" }));
}

/** Cards of what was sent and not answered, first of all that a screen shows. `then`: once its end was read. */
export function unanswered(then = () => {}) {
  return pending().map((one) => openCard(one, then));
}

/**
 * Those of what an intention's path was sent before: that the screen shows, and that were written down since. What is
 * shown is open until somebody was told how it ended: its answer may have come meanwhile, to a screen that they had left.
 */
function openLike(form, { path, key }) {
  const shown = [...form.closest(".screen").querySelectorAll("[data-open]")].filter((card) => card.dataset.path === path);
  const known = [key, ...shown.map((card) => card.dataset.open)];
  return [...shown, ...pending().filter((one) => one.path === path && !known.includes(one.key)).map((one) => openCard(one, () => {}))];
}

/**
 * Of what nobody can ask after by its key: sent again as it was (`answered` gets the reply), or let go. `ended` is told why
 * there is nothing more to ask: it was refused, or let go (null).
 */
function sending(intention, pin, answered, ended) {
  const [said, choice] = [h("div", {}), h("div", { class: "stack" })];
  const waiting = () => show(said, h("p", { class: "banner away" }, t("pay.asking")));
  const again = button(t("pay.again"), async () => {
    show(said, h("p", { class: "banner here" }, t("pay.waiting")));
    try {
      const reply = await withPin(pin, () => intention.sendAgain(waiting));
      show(said);
      if (reply) answered(reply);
    } catch (error) {
      if (intention.unknown) show(said, refused(error));
      // Too old, and never begun: it never will be.
      else ended(error.code === "KEY_EXPIRED" ? nothingTaken() : refused(error));
    }
  }, { class: "main" });
  const first = () => show(choice, h("p", { class: "hint" }, t("pay.again.hint")), again, button(t("pay.leave"), sure, { class: "plain" }));
  const sure = () => show(choice, h("p", { class: "banner away", role: "alert" }, t("pay.leave.sure")),
    button(t("pay.leave.do"), () => {
      intention.letGo();
      ended(null);
    }, { class: "danger" }), button(t("pay.leave.not"), first));
  first();
  return h("div", { class: "stack" }, said, choice);
}

/** How it ended: asked after, and nothing is sent again; or where nobody can be asked, sent again by whoever wants that. */
function openCard(one, then) {
  // The card may be shown within a form, which a PIN does not send.
  const [said, pin] = [h("div", {}), h("div", { submit: (event) => event.stopPropagation() })];
  const card = h("section", { class: "card stack", "data-open": one.key, "data-path": one.path },
    h("p", { class: "bad" }, t("pay.pending")),
    h("p", {}, h("span", { class: "number" }, dong(one.about.amount)), " ", h("span", { class: "soft" }, one.about.name ?? "")), said, pin);
  const over = () => {
    card.remove();
    then();
  };
  const ended = (how) => {
    delete card.dataset.open;
    if (!how) {
      over();
      return;
    }
    ways.remove();
    show(said, how, button(t("done"), over));
  };
  const answered = (reply) => {
    // How a card took it, its own screen says.
    if (reply.top_up) go("top-up", reply.top_up.top_up_id);
    else ended(wasDone());
  };
  const ways = resolvable(one) ? asked(one, said, ended) : sending(Intention.of(one), pin, answered, ended);
  card.append(ways);
  return card;
}

/** Asks how one ended. */
function asked(one, said, ended) {
  return button(t("pay.find-out"), async () => {
    try {
      ended(outcome(await findOut(one)));
    } catch (error) {
      show(said, refused(error));
    }
  }, { class: "main" });
}

/** What was found out, in words. */
export function outcome({ outcome: how, code, transfer_id: transfer }) {
  // It may still be paid: who reads that it was refused pays again, and who reads that it was done takes the goods.
  if (code === "HELD") return h("p", { class: "banner away", role: "status" }, t("receipt.held"));
  if (how === "OUTCOME_DONE") return wasDone();
  if (how === "OUTCOME_NOT_FOUND") return nothingTaken();
  // With a transfer's id it was held, and came back.
  return transfer ? h("div", { class: "stack" }, refused({ code }), nothingTaken()) : refused({ code });
}

const wasDone = () => h("p", { class: "banner here", role: "status" }, t("pay.found.done"));
const nothingTaken = () => h("p", { class: "banner away", role: "status" }, t("pay.found.nothing"));
