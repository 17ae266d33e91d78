// Bytes as the API takes them in JSON.

/** Of a Uint8Array. In pieces: a call with a million arguments is refused by browsers. */
export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}
