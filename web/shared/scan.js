// Reading a QR code: by the phone's own reader where there is one, else by jsQR; from the camera, or from a picture.

import { h, show } from "./dom.js";
import { t } from "./strings.js";

const LOOK_EVERY_MS = 200;
// A picture of a camera is larger than a code needs, and slow to look through.
const SIDE_MAX = 1_000;

/** Shows the camera in `place` and tells `found` the first code. What it answers stops the camera. */
export function scanner(place, found) {
  const video = h("video", { autoplay: true, playsinline: true, muted: true, "aria-label": t("scan.hint") });
  let stream = null;
  let timer = null;
  let stopped = false;
  show(place, video, h("p", { class: "center soft" }, t("scan.hint")));

  async function begin() {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    } catch {
      show(place, h("p", { class: "banner away", role: "alert" }, t("scan.no-camera")));
      return;
    }
    if (stopped) return stop();
    video.srcObject = stream;
    const read = await reader();
    timer = setInterval(async () => {
      if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || stopped) return;
      const text = await read(video, video.videoWidth, video.videoHeight);
      if (!text || stopped) return;
      navigator.vibrate?.(80);
      stop();
      found(text);
    }, LOOK_EVERY_MS);
  }

  function stop() {
    stopped = true;
    clearInterval(timer);
    stream?.getTracks().forEach((track) => track.stop());
  }

  begin();
  return stop;
}

/** What the code in a picture file holds; "" where there is none. */
export async function readPicture(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return ""; // not a picture
  }
  try {
    return await (await reader())(picture, picture.width, picture.height);
  } finally {
    picture.close();
  }
}

async function reader() {
  if (await phoneReads()) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (source) => {
      const codes = await detector.detect(source).catch(() => []);
      return codes[0]?.rawValue ?? "";
    };
  }
  const jsQR = await library();
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return async (source, width, height) => {
    const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
    const code = jsQR(data, canvas.width, canvas.height);
    // Bytes, not `data`: that one is not read as UTF-8.
    return code ? new TextDecoder().decode(Uint8Array.from(code.binaryData)) : "";
  };
}

async function phoneReads() {
  if (!("BarcodeDetector" in globalThis)) return false;
  return (await BarcodeDetector.getSupportedFormats()).includes("qr_code");
}

let loaded = null;

// An old-fashioned script that leaves its function on the window: fetched only where it is needed.
function library() {
  loaded ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = String(new URL("../library/jsqr.js", import.meta.url));
    script.addEventListener("load", () => resolve(globalThis.jsQR));
    script.addEventListener("error", () => { loaded = null; reject(new Error("the code reader cannot be fetched")); });
    document.head.append(script);
  });
  return loaded;
}
