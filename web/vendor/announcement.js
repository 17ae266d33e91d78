// What is said of an announcement: pure, so that every verdict can be tried.

import { amountInWords } from "../shared/words.js";
import { t } from "../shared/strings.js";

/** {text, sound} to say aloud of a payment or refund, always in Vietnamese. */
export function saying(event) {
  const amount = Number(event.amount);
  if (event.type === "payment.refunded") {
    return { text: t("say.REFUND", { words: amountInWords(amount) }), sound: "good" };
  }
  const words = amountInWords(amount);
  const order = event.reference ? `, đơn ${spelled(event.reference)}` : "";
  const asked = Number(event.asked);
  const rest = amountInWords(Math.abs(asked - amount));
  if (event.verdict === "FULL") return { text: t("say.FULL", { words, order }), sound: "good" };
  if (event.verdict === "SHORT") return { text: t("say.SHORT", { words, missing: rest, order }), sound: "bad" };
  if (event.verdict === "OVER") return { text: t("say.OVER", { words, more: rest, order }), sound: "bad" };
  return { text: t("say.PLAIN", { words }), sound: "good" };
}

// A long reference is nothing to read out: its last four characters tell bills apart.
function spelled(reference) {
  const end = reference.length > 6 ? reference.slice(-4) : reference;
  return /^[0-9]{1,6}$/.test(end) && reference.length <= 6 ? end : [...end].join(" ");
}

/** What is said of everything that came while nobody listened. */
export function caughtUp(events) {
  const paid = events.filter((event) => event.type === "payment.captured");
  const total = paid.reduce((sum, event) => sum + Number(event.amount), 0);
  return { count: paid.length, total };
}
