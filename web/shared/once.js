// Money moves once: an intention has one key until its outcome is known, and is written down before it is sent.
//
// While somebody waits, it is sent again with its key. A phone that dies in between finds it at its next start, and asks
// how it ended; it does not send it again: what never arrived is not paid hours later, because a button said "find out".
// Only what nobody can ask after is sent again as it was, by a button that says so, or let go by whoever has looked.

import { ApiError, newKey, post } from "./api.js";
import { now } from "./clock.js";
import { user } from "./shell.js";

// Of who is signed in: the next one at this phone sees nothing of it.
const place = () => `cho.pending.${user().user_id}`;
const KEPT_MAX = 20;
const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000];
// Refused before the ledger was asked: no answer for the key.
const NOT_ASKED = ["SESSION_ENDED", "TOKEN_INVALID", "UNAUTHENTICATED", "STEP_UP_NEEDED", "OVERLOADED", "RATE_LIMITED", "LEDGER_FENCED"];
// What the ledger calls it, by what it was sent to: for Resolve.
const KINDS = [
  [/^\/v1\/payments$/, "TRANSFER_KIND_PAYMENT"],
  [/^\/v1\/codes\/redeem$/, "TRANSFER_KIND_PAYMENT"],
  [/^\/v1\/payments\/[^/]+\/refunds$/, "TRANSFER_KIND_REFUND"],
  [/^\/v1\/transfers$/, "TRANSFER_KIND_TRANSFER"],
  [/^\/v1\/holds$/, "TRANSFER_KIND_HOLD"],
];
// The others, top-ups and refunds of orders, are answered the same to the same key and body, however late. Orders call a
// key request_id.
const ORDERS = /^\/v1\/orders\//;

/** What a screen is for: paying, refunding. Sent as often as the person taps; done once. */
export class Intention {
  constructor(path) {
    Object.assign(this, { path, key: newKey(), sent: "", about: null, unknown: false });
  }

  /** What was written down and never answered, to be sent again. */
  static of({ path, key, body, about }) {
    return Object.assign(new Intention(path), { key, sent: JSON.stringify(body), about, unknown: true, place: place() });
  }

  /**
   * Sends `body` until it is answered; its reply. `about` ({amount, name}) is what to show of it if it is not. `waiting` is
   * told each time that the outcome is not known yet. Another body after an answer is another intention.
   *
   * Throws ApiError: refused, or (`this.unknown`) still not known; then the same may be sent again, or `findOut`.
   */
  async send(body, about, waiting = () => {}) {
    const text = JSON.stringify(body);
    if (this.unknown && text !== this.sent) throw new ApiError("OUTCOME_UNKNOWN", "another one is not known yet", 0);
    Object.assign(this, { sent: text, about });
    this.#keep();
    for (let attempt = 0; ; attempt += 1) {
      try {
        const reply = await post(this.path, { ...body, [ORDERS.test(this.path) ? "request_id" : "idempotency_key"]: this.key });
        this.#known();
        return reply;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.unknown) this.unknown = true;
        else if (!this.unknown || !NOT_ASKED.includes(error.code)) this.#known();
        if (!error.again || attempt >= WAITS_MS.length) throw error;
        waiting(error);
        await new Promise((resolve) => setTimeout(resolve, Math.max(WAITS_MS[attempt], error.retryAfterS * 1_000)));
        this.#keep();
      }
    }
  }

  /** What was sent, once more and as it was: done once, whether it arrived before or not. As `send`. */
  sendAgain(waiting) {
    return this.send(JSON.parse(this.sent), this.about, waiting);
  }

  /** Whoever sent it has looked, and does not want to know of it any more. It may have been done, or be on its way. */
  letGo() {
    this.#known();
  }

  get resolvable() {
    return resolvable(this);
  }

  /** As the function of this name. */
  async findOut() {
    const found = await findOut({ path: this.path, key: this.key });
    this.#known();
    return found;
  }

  #keep() {
    // Whose it is stays so where their session ends meanwhile.
    this.place ??= place();
    const { path, key, about } = this;
    keep(this.place, { path, key, about, at: now().getTime(), body: this.resolvable ? undefined : JSON.parse(this.sent) });
  }

  #known() {
    if (this.place) forget(this.key, this.place);
    Object.assign(this, { key: newKey(), unknown: false });
  }
}

/** Intentions of who is signed in whose outcome is not known: {path, key, about, at}, with its body where it is sent again. */
export const pending = () => read(place());

/** Whether somebody can say by its key how it ended, without doing it. */
export function resolvable({ path }) {
  return kindOf(path) !== undefined;
}

/**
 * How it ended: {outcome: "OUTCOME_DONE" | "OUTCOME_REFUSED" | "OUTCOME_NOT_FOUND", code}. Where it never arrived, it never
 * will from then on. Of a key that is too old nobody knows any more: {code: "KEY_EXPIRED"}. Throws ApiError where nobody
 * answers.
 */
export async function findOut({ path, key }) {
  const found = await post("/v1/resolve", { kind: kindOf(path), idempotency_key: key }).catch((error) => {
    if (error.code !== "KEY_EXPIRED") throw error;
    return { code: error.code };
  });
  forget(key, place());
  return found;
}

function kindOf(path) {
  return KINDS.find(([pattern]) => pattern.test(path))?.[1];
}

function forget(key, where) {
  write(where, read(where).filter((one) => one.key !== key));
}

function keep(where, intention) {
  const others = read(where).filter((one) => one.key !== intention.key);
  // What does not fit is older than anything that a phone still waits for.
  write(where, [...others, intention].slice(-KEPT_MAX));
}

function read(where) {
  return JSON.parse(localStorage.getItem(where) ?? "[]");
}

function write(where, intentions) {
  localStorage.setItem(where, JSON.stringify(intentions));
}
