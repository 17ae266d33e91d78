// What every page has: who is signed in, where one is (the address's hash), what went wrong.

import { ApiError, call, get, post } from "./api.js";
import { button, field, h, show, tell } from "./dom.js";
import { language, sentence, switchLanguage, t } from "./strings.js";

const DEVICE = "cho.device";
// Whether there may be a session: the cookies that hold it are out of a script's reach.
const SIGNED_IN = "cho.signed-in";
// The pages' own state of a person: gone when they sign out, so that the next one at this phone sees nothing of it.
const KEPT_FOR_ALL = new Set([DEVICE, "cho.language"]);

let signedIn = null;

/**
 * Runs a page: `screens` by name, each fetching a module with `screen(place, ...parts of the address)`, which answers
 * what to do when it is left, or null; "" is the first one. Those named in `open` are shown to whoever comes, `user()` is
 * null there until somebody signs in.
 */
export function run({ roles, title, screens, open = [] }) {
  document.documentElement.lang = language();
  document.title = title();
  const page = document.getElementById("page");
  let leave = null;
  let shown = 0;

  async function route() {
    leave?.();
    leave = null;
    const turn = (shown += 1);
    const [name, ...parts] = address();
    if (!signedIn && !open.includes(name)) {
      signIn(page, title(), begin);
      return;
    }
    const place = h("div", { class: "screen" }, h("p", { class: "center soft waits" }, t("loading")));
    show(page, place);
    window.scrollTo(0, 0);
    if (!Object.hasOwn(screens, name)) {
      show(place, ...nowhere(title()));
      return;
    }
    try {
      const { screen } = await screens[name]();
      const left = await screen(place, ...parts);
      if (turn !== shown) {
        left?.();
        return;
      }
      leave = left ?? null;
      // Who uses keys or listens to the screen goes on from its beginning, and not from what is not there any more.
      if (turn > 1 && !place.contains(document.activeElement)) place.querySelector("h1")?.focus({ preventScroll: true });
    } catch (error) {
      if (turn !== shown || error.code === "SESSION_ENDED") return;
      show(place, head(title(), name !== ""), refused(error), button(t("again"), route, { class: "main" }));
    }
  }

  async function begin() {
    // Who never signed in at this phone need not be asked after.
    if (!localStorage.getItem(SIGNED_IN)) {
      await route();
      return;
    }
    show(page, h("p", { class: "center soft" }, t("loading")));
    try {
      signedIn = (await get("/v1/me")).user;
      if (may(...roles)) {
        await route();
        return;
      }
      signIn(page, title(), begin, t("wrong-role"));
    } catch (error) {
      if (["SESSION_ENDED", "UNAUTHENTICATED"].includes(error.code)) await route();
      else show(page, head(title()), refused(error), button(t("again"), begin, { class: "main" }));
    }
  }

  window.addEventListener("hashchange", route);
  window.addEventListener("sign-in", () => {
    leave?.();
    leave = null;
    signIn(page, title(), begin);
  });
  window.addEventListener("signed-out", () => {
    // Answers that come late say it again: who signs in meanwhile goes on typing.
    if (!signedIn && document.getElementById("pin")) return;
    leave?.();
    leave = null;
    signedIn = null;
    signIn(page, title(), begin, sentence({ code: "SESSION_ENDED" }));
  });
  // What was refused or not answered, and the screen has no place to say it: on top of it.
  window.addEventListener("unhandledrejection", (event) => {
    if (!(event.reason instanceof ApiError)) return;
    event.preventDefault();
    if (event.reason.code === "SESSION_ENDED") return;
    document.getElementById("went-wrong")?.remove();
    page.prepend(h("div", { id: "went-wrong" }, refused(event.reason)));
  });
  // Who signed out in one tab has left them all: the next person at this phone sees nothing there.
  window.addEventListener("storage", ({ key, newValue }) => {
    if (key === SIGNED_IN && !newValue) window.dispatchEvent(new Event("signed-out"));
  });
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js");
  begin();
}

/** The screen's name and the parts after it. An address that is no address is a screen that there is not. */
function address() {
  try {
    return location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  } catch {
    return [location.hash];
  }
}

function nowhere(title) {
  return [head(title), h("section", { class: "card center", id: "nowhere" }, h("p", { class: "big" }, "404"), h("p", {}, t("nowhere"))),
    button(t("home"), () => go(""), { class: "main" })];
}

/** Who is signed in: {user_id, name, roles, institution}; null for who only looks. */
export const user = () => signedIn;

/** Whether who is signed in has one of these roles. What they may do, the services decide; this decides what is shown. */
export const may = (...roles) => roles.some((role) => signedIn?.roles.includes(role));

/** Asks who it is, and comes back to the screen that is shown. */
export function askSignIn() {
  window.dispatchEvent(new Event("sign-in"));
}

/** The line on top. Who came here by a link has nothing to go back to but the first screen. */
export function head(title, back = true) {
  return h("header", {},
    back ? button("‹", () => (history.length > 1 ? history.back() : go("")), { class: "plain", "aria-label": t("back") }) : null,
    h("h1", { tabindex: "-1" }, title),
    back ? null : button(t("language"), switchLanguage, { class: "plain" }));
}

/** Why it was refused, and what to do next. */
export function refused(error) {
  if (!error.code) console.error(error);
  const said = sentence(error);
  tell(said, true);
  return h("p", { class: "banner refused" }, said);
}

/** Goes to another screen. */
export function go(...parts) {
  location.hash = `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Ends the session and forgets what this phone kept of the person. What it keeps of others by their name waits for them. */
export async function signOut() {
  await post("/v1/token/sign-out", {});
  const isAnothers = (name) => /\.usr_\w+$/.test(name) && !name.endsWith(`.${signedIn.user_id}`);
  for (const name of Object.keys(localStorage)) if (!KEPT_FOR_ALL.has(name) && !isAnothers(name)) localStorage.removeItem(name);
  location.hash = "";
  location.reload();
}

function signIn(page, title, then, why = "") {
  const said = h("div", {});
  const phone = field(t("phone"), { id: "phone", type: "tel", inputmode: "tel", autocomplete: "tel", required: true });
  const pin = pinField();
  const form = h("form", { class: "stack" }, phone, pin, said, h("button", { class: "main" }, t("sign-in")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("button");
    submit.disabled = true;
    try {
      await call("POST", "/v1/sign-in", {
        phone: phone.querySelector("input").value,
        pin: pin.querySelector("input").value,
        device_id: device(),
        device_name: navigator.userAgentData?.model || navigator.platform || "web",
      });
      localStorage.setItem(SIGNED_IN, "yes");
      await then();
    } catch (error) {
      show(said, refused(error));
    } finally {
      submit.disabled = false;
    }
  });
  show(page, head(title, false), h("p", { class: why ? "banner away" : "soft" }, why || t("welcome")), form);
}

/** Where six digits are typed. */
export function pinField() {
  return field(t("pin"), {
    id: "pin", type: "password", inputmode: "numeric", pattern: "[0-9]{6}", maxlength: 6, required: true, class: "pin",
    autocomplete: "current-password",
  });
}

/**
 * Does `work`; where it needs a PIN entered just now, asks for it in `place` and does it again. What `work` answers, or
 * null where the person gave up. Throws what `work` throws.
 */
export async function withPin(place, work) {
  try {
    return await work();
  } catch (error) {
    if (error.code !== "STEP_UP_NEEDED") throw error;
  }
  return (await askPin(place)) ? work() : null;
}

function askPin(place) {
  return new Promise((resolve) => {
    const said = h("div", {});
    const pin = pinField();
    const form = h("form", { class: "card stack" }, h("p", {}, t("pin.why")), pin, said,
      h("button", { class: "main" }, t("done")),
      button(t("cancel"), () => { form.remove(); resolve(false); }));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const submit = form.querySelector("button.main");
      submit.disabled = true;
      try {
        await post("/v1/step-up", { pin: pin.querySelector("input").value });
        form.remove();
        resolve(true);
      } catch (error) {
        show(said, refused(error));
      } finally {
        submit.disabled = false;
      }
    });
    show(place, form);
    pin.querySelector("input").focus();
  });
}

/** What this phone is known by, made at the first sign-in and kept. */
function device() {
  const known = localStorage.getItem(DEVICE);
  if (known) return known;
  const made = crypto.randomUUID();
  localStorage.setItem(DEVICE, made);
  return made;
}

