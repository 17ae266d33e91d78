// A photo is sent as the camera made it, made smaller here where it is too large for the API.

import { ApiError } from "./api.js";
import { base64 } from "./bytes.js";

// As the API has it (photos.proto, storefront.proto).
const BYTES_MAX = 700 * 1024;
const SIDE_MAX = 1_600;

/** A picture file's bytes as the API takes them. Throws ApiError PHOTO_UNREADABLE where the browser cannot read a large one. */
export async function photoIn(file) {
  return base64(await smaller(file));
}

/** The file's bytes; drawn anew with fewer points where they are too many for the API. */
async function smaller(file) {
  if (file.size <= BYTES_MAX) return new Uint8Array(await file.arrayBuffer());
  const picture = await createImageBitmap(file).catch((error) => {
    throw new ApiError("PHOTO_UNREADABLE", String(error), 400);
  });
  const scale = Math.min(1, SIDE_MAX / Math.max(picture.width, picture.height));
  const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
  return new Uint8Array(await blob.arrayBuffer());
}
