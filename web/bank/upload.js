// A file on its way in pieces: it goes on where the server says, after a lost connection and after a closed page.

import { ApiError, call, newKey } from "../shared/api.js";
import { base64, hex, sha256 } from "../shared/bytes.js";

const BYTES_MAX = 256 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;
// Without a network it is tried again, a little later each time; each piece that arrives begins the count anew.
const AGAIN_MS = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000];

/**
 * Sends a file to an institution's folder. `told(part)` hears how much of it the server has, 0 to 1. Throws ApiError;
 * the same file chosen again then goes on from where it was.
 */
export async function upload(institution, file, told) {
  if (file.size > BYTES_MAX) throw new ApiError("BODY_TOO_LARGE", "", 413);
  const wanted = { name: file.name, bytes: file.size, sha256: hex(await sha256(await file.arrayBuffer())) };
  // By this very file, so that nobody has to remember where they were.
  const kept = `cho.upload.${institution}.${wanted.name}.${wanted.sha256}`;
  const id = localStorage.getItem(kept) ?? newKey();
  localStorage.setItem(kept, id);
  const path = `/v1/exchange/${institution}/uploads/${id}`;
  let [received, most] = [null, 0];
  for (let tries = 0; received !== file.size;) {
    try {
      received = await next(path, wanted, file, received);
      told(received / file.size);
      // Being told where it stands is no progress: else a piece that never arrives is sent for ever.
      if (received > most) [most, tries] = [received, 0];
    } catch (error) {
      if (!goesOn(error)) {
        localStorage.removeItem(kept);
        throw error;
      }
      if (tries === AGAIN_MS.length) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.max(AGAIN_MS[tries], error.retryAfterS * 1_000)));
      tries += 1;
      // What arrived of it, the server knows.
      received = null;
    }
  }
  localStorage.removeItem(kept);
}

/** How much the server has after one more piece; where nobody knows how much it has, after asking. */
async function next(path, wanted, file, received) {
  if (received === null) return Number((await call("PUT", path, wanted)).upload.received);
  const content = base64(new Uint8Array(await file.slice(received, received + PIECE_BYTES).arrayBuffer()));
  return Number((await call("PUT", `${path}/pieces/${received}`, { content })).upload.received);
}

/** Whether asking where it stands, and going on, makes sense. NOT_FOUND: expired, or done meanwhile. */
const goesOn = (error) => error.again || ["RATE_LIMITED", "CONTENTION", "NOT_FOUND"].includes(error.code);
