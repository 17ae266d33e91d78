// Asking again and again, one question at a time: on a slow network they do not pile up.

import { ApiError } from "./api.js";

/**
 * Does `work` every `ms`, counted from when the last one ended, until it answers true or what this returns is called. A
 * question that nobody answered is asked again; `failed` is told of it. Anything else that goes wrong is not hidden.
 */
export function repeat(work, ms, failed = () => {}) {
  let stopped = false;
  let timer = null;
  async function round() {
    try {
      if (await work()) stopped = true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      failed(error);
    }
    if (!stopped) timer = setTimeout(round, ms);
  }
  timer = setTimeout(round, ms);
  return function stop() {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Whether somebody types in `place`, or has typed something that is not sent. */
export function typing(place) {
  return [...place.querySelectorAll("input")].some((input) => input === document.activeElement || (input.value !== "" && !input.readOnly));
}
