// A merchant's announcements, heard without loss: server-sent events over fetch.
//
// Not EventSource: it forgets the last event when the page is closed, and says nothing of a connection that is dead.

import { ApiError, renewed, send } from "./api.js";

// The server sends a sign of life every 15 s.
const SILENCE_MS_MAX = 40_000;
const WAITS_MS = [500, 1_000, 2_000, 5_000, 10_000];

/**
 * Listens until `stop()`. `on.event(type, data, id)`; `on.state("listening" | "away")`.
 * `place` is where the last event's id is kept on this phone; `from`, the id to begin after where it is another.
 */
export function listen(path, place, on, from = localStorage.getItem(place)) {
  let last = from;
  let stopped = false;
  let failures = 0;
  let current = null;

  async function run() {
    while (!stopped) {
      current = new AbortController();
      try {
        await hear(current);
      } catch (error) {
        if (error instanceof ApiError && error.code === "SESSION_ENDED") return;
        failures += 1;
      }
      if (stopped) return;
      on.state("away");
      await pause(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)]);
    }
  }

  // Cut where nothing was said for too long, the first word included.
  function spoken(controller, word) {
    const dead = setTimeout(() => controller.abort(), SILENCE_MS_MAX);
    return word.finally(() => clearTimeout(dead));
  }

  async function hear(controller) {
    const headers = last ? { "last-event-id": last } : {};
    const reply = await spoken(controller, send("GET", path, undefined, headers, controller.signal));
    if (reply.status === 401) {
      if (await renewed()) return;
      window.dispatchEvent(new Event("signed-out"));
      throw new ApiError("SESSION_ENDED", "signed out", 401);
    }
    if (!reply.ok) throw new ApiError("UNAVAILABLE", "not listening", reply.status);
    on.state("listening");
    failures = 0;
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await spoken(controller, reader.read());
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      blocks.forEach(take);
    }
  }

  function take(block) {
    const said = { event: "message", data: "", id: null };
    for (const line of block.split("\n")) {
      const [, name, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
      if (name in said) said[name] = value;
    }
    if (said.event === "error") throw new ApiError("UNAVAILABLE", said.data, 503);
    if (said.data) on.event(said.event, JSON.parse(said.data), said.id);
    // After its effect: a page that dies in between hears it again, and knows it by its id.
    if (!said.id) return;
    last = said.id;
    // Who begins before it hears again what this phone has heard.
    if (Number(last) > Number(localStorage.getItem(place))) localStorage.setItem(place, last);
  }

  // What the phone notices itself need not wait for the silence.
  const offline = () => current?.abort();
  let wake = null;
  const online = () => wake?.();
  window.addEventListener("offline", offline);
  window.addEventListener("online", online);

  function pause(ms) {
    return new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, ms);
    });
  }

  run();
  return function stop() {
    stopped = true;
    current?.abort();
    window.removeEventListener("offline", offline);
    window.removeEventListener("online", online);
  };
}
