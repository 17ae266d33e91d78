// Checks what settlement signed, by the browser alone: docs/settlement-proof.md says how, this does it.

import { hex, sha256 } from "../shared/bytes.js";

const PATH_MAX = 64;

/** What a compact JWS (Ed25519) of type `typ` says, where one of `keys` (a JWKS) signed it; null where none did. */
export async function signed(jws, typ, keys) {
  const [head, payload, signature] = jws.split(".");
  const header = JSON.parse(new TextDecoder().decode(fromBase64url(head)));
  if (header.typ !== typ || header.alg !== "Ed25519") return null;
  const text = new TextEncoder().encode(`${head}.${payload}`);
  for (const { kty, crv, x } of keys) {
    const key = await crypto.subtle.importKey("jwk", { kty, crv, x }, { name: "Ed25519" }, false, ["verify"]);
    if (await crypto.subtle.verify({ name: "Ed25519" }, key, fromBase64url(signature), text)) {
      return JSON.parse(new TextDecoder().decode(fromBase64url(payload)));
    }
  }
  return null;
}

/**
 * Whether a proof's line is one of the `size` lines under `root` (hex). Both are of the signed manifest: hashes alone do
 * not say how many lines a tree has (RFC 9162, 2.1.3.2).
 */
export async function inTree({ line, index, size: said, siblings }, root, size) {
  if (said !== size || !Number.isSafeInteger(index) || index < 0 || index >= size || siblings.length > PATH_MAX) return false;
  let [here, last] = [index, size - 1];
  let found = await sha256(joined([0], new TextEncoder().encode(line)));
  for (const sibling of siblings.map(fromHex)) {
    if (last === 0 || sibling.length !== 32) return false;
    const left = here % 2 === 1 || here === last;
    found = await sha256(left ? joined([1], sibling, found) : joined([1], found, sibling));
    // Went up alone: there was no sibling on these levels.
    while (left && here > 0 && here % 2 === 0) [here, last] = [half(here), half(last)];
    [here, last] = [half(here), half(last)];
  }
  return last === 0 && hex(found) === root;
}

const half = (number) => Math.floor(number / 2);

function joined(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
const fromBase64url = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
