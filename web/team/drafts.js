// Drafts on this phone: filled in without a network, sent when there is one, gone when they are handed in.
//
// A draft is {form, version, merchant_id, changed, problems, conflict}. `changed`: not sent as it is now.

import { newKey, post } from "../shared/api.js";
import { user } from "../shared/shell.js";

// Of who is signed in: the next one at this phone sees nothing of them.
const place = () => `cho.drafts.${user().user_id}`;
// What one call takes; a team member's day is far below it.
const SYNCED_MAX = 50;

export function drafts() {
  return JSON.parse(localStorage.getItem(place()) ?? "[]");
}

export const draft = (id) => drafts().find((one) => one.form.request_id === id);

/** A new one, named for ever by a key made here: sent twice, it is one merchant. */
export function begin(form = {}) {
  const made = { form: { request_id: newKey(), ...form }, version: "0", merchant_id: "", changed: true, problems: [] };
  write([...drafts(), made]);
  return made;
}

/** Writes down what was filled in, before anything else happens to it. */
export function keep(id, fields) {
  change(id, (one) => ({ ...one, form: { ...one.form, ...fields }, changed: true }));
}

export function drop(id) {
  write(drafts().filter((one) => one.form.request_id !== id));
}

// One at a time: what is being sent already would be a conflict with itself.
let last = Promise.resolve();

/** Sends what was not sent; answers how many are left. Throws ApiError where there is no network. */
export function sync({ takeOver = "" } = {}) {
  last = last.catch(() => {}).then(() => send(takeOver));
  return last;
}

async function send(takeOver, again = true) {
  const waiting = drafts().filter((one) => one.changed).slice(0, SYNCED_MAX);
  if (!waiting.length) return 0;
  const sent = waiting.map((one) => ({ form: one.form, version: one.version, take_over: one.form.request_id === takeOver }));
  const reply = await post("/v1/drafts/sync", { drafts: sent });
  reply.drafts.forEach((outcome, i) => {
    const asSent = JSON.stringify(waiting[i].form);
    change(outcome.request_id, (one) => settled(one, outcome, asSent));
  });
  if (again && reply.drafts.some(isOwn)) return send(takeOver, false);
  return drafts().filter((one) => one.changed).length;
}

/** Whether what is in the way is what was sent from here, and its answer was lost: it is saved onto that. */
const isOwn = ({ outcome, code, by }) => outcome === "SYNC_OUTCOME_CONFLICT" && code !== "VENDOR_TAKEN" && by === user().user_id;

function settled(one, outcome, asSent) {
  if (isOwn(outcome)) return { ...one, version: outcome.version, conflict: null };
  if (outcome.outcome !== "SYNC_OUTCOME_SAVED") return { ...one, conflict: { code: outcome.code, vi: outcome.vi, en: outcome.en } };
  return {
    ...one,
    version: outcome.version,
    merchant_id: outcome.merchant_id,
    problems: outcome.problems,
    conflict: null,
    // Somebody may have typed on while it was sent.
    changed: JSON.stringify(one.form) !== asSent,
  };
}

function change(id, how) {
  write(drafts().map((one) => (one.form.request_id === id ? how(one) : one)));
}

function write(all) {
  localStorage.setItem(place(), JSON.stringify(all));
}
