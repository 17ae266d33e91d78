// Calls to the gateway. Tokens are in cookies that no script can read; a stale one is renewed once, for all who wait.

import { heard, now } from "./clock.js";

/** Refused, or not known. `code` is stable, `vi` the server's own sentence, `details` its figures; some leave open whether it was done. */
export class ApiError extends Error {
  constructor(code, message, status, retryAfterS = 0, vi = "", details = {}) {
    super(message);
    Object.assign(this, { code, status, retryAfterS, vi, details });
  }

  /** Whether it may have been done all the same. */
  get unknown() {
    return (this.code === "OFFLINE" || this.status >= 500) && !NOTHING_DONE.includes(this.code);
  }

  /** Whether asking again by itself makes sense. */
  get again() {
    return this.unknown || NOTHING_DONE.includes(this.code);
  }
}

// Too busy, or being checked: certainly nothing was done, and in a moment it can be.
const NOTHING_DONE = ["OVERLOADED", "LEDGER_FENCED"];
// What the gateway says of a token that is missing, or too old.
const TOKEN_OVER = ["UNAUTHENTICATED", "TOKEN_INVALID"];
const TIMEOUT_MS = 20_000;
const READ_AGAIN_MS = [300, 1_000, 2_000];
let renewing = null;

/** Asked again where nobody could answer just now: reading changes nothing. */
export async function get(path, parameters) {
  for (const ms of READ_AGAIN_MS) {
    try {
      return await call("GET", path + query(parameters));
    } catch (error) {
      if (error.status !== 503) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.max(ms, error.retryAfterS * 1_000)));
    }
  }
  return call("GET", path + query(parameters));
}

export const post = (path, body = {}) => call("POST", path, body);
export const del = (path) => call("DELETE", path);

/** The reply's JSON. Throws ApiError; tells `signed-out` where nobody is signed in any more. */
export async function call(method, path, body) {
  const reply = await answered(method, path, body);
  try {
    return await reply.json();
  } catch (error) {
    // Cut off in the middle.
    throw new ApiError("OFFLINE", String(error), 0);
  }
}

/** A reply's text, of what is no JSON. */
export async function text(path, parameters) {
  return (await answered("GET", path + query(parameters))).text();
}

async function answered(method, path, body) {
  let reply = await send(method, path, body);
  if (reply.status === 401 && !(await aboutThePin(path, reply))) {
    if (!(await renewed())) {
      window.dispatchEvent(new Event("signed-out"));
      throw new ApiError("SESSION_ENDED", "signed out", 401);
    }
    reply = await send(method, path, body);
  }
  if (!reply.ok) throw await refusal(reply);
  return reply;
}

/** Whether it is the PIN that was wrong, and not the token: who types one may take longer than a token lives. */
async function aboutThePin(path, reply) {
  if (path.startsWith("/v1/sign-in")) return true;
  return path.startsWith("/v1/step-up") && !TOKEN_OVER.includes((await refusal(reply.clone())).code);
}

/** The reply, whatever it says. For streams, too. Throws ApiError OFFLINE. */
export async function send(method, path, body, headers = {}, signal = AbortSignal.timeout(TIMEOUT_MS)) {
  try {
    const reply = await fetch(path, {
      method,
      signal,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    heard(reply);
    return reply;
  } catch (error) {
    throw new ApiError("OFFLINE", String(error), 0);
  }
}

// One tab after the other, where the browser can: a refresh token is traded once, and whoever sends it again, later than
// for a lost answer, is taken for a thief and signs all tabs out. Who comes second sends the one that the first was given.
const inTurn = (ask) => (navigator.locks ? navigator.locks.request("cho.token", ask) : ask());

/** Whether there is a session still: asked once, however many ask. */
export function renewed() {
  renewing ??= inTurn(() => send("POST", "/v1/token/refresh", {}))
    .then(async (reply) => {
      // A hall's phones are counted together: who has to wait is not signed out.
      if (reply.status === 429) throw await refusal(reply);
      if (reply.status >= 500) throw new ApiError("OFFLINE", "tokens cannot be renewed now", reply.status);
      return reply.ok;
    })
    .finally(() => { renewing = null; });
  return renewing;
}

async function refusal(reply) {
  const retry = Number(reply.headers.get("retry-after") ?? 0);
  return refusalOf(await reply.text().catch(() => ""), reply.status, retry);
}

/** What a refusal's body (google.rpc.Status as JSON) says. */
function refusalOf(text, status, retryAfterS = 0) {
  let said = {};
  try {
    said = JSON.parse(text);
  } catch {
    // Not from us, or cut off: its status says enough.
  }
  const info = said.details?.find((detail) => detail.reason);
  const vi = said.details?.find((detail) => detail.locale?.startsWith("vi"))?.message ?? "";
  return new ApiError(info?.reason ?? "INTERNAL", said.message ?? "", status, retryAfterS, vi, info?.metadata);
}

function query(parameters = {}) {
  const set = Object.entries(parameters).filter(([, value]) => value !== "" && value !== undefined);
  return set.length ? `?${new URLSearchParams(set)}` : "";
}

/** A key for one intention: UUIDv7. */
export function newKey(at = now().getTime()) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i += 1) bytes[i] = Math.floor(at / 256 ** (5 - i)) % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
