// Drafts on this phone, how the commune is doing, and the ways on.

import { get } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { go, head, may, refused, signOut } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { begin, drafts, sync } from "./drafts.js";

export async function screen(place) {
  const [said, list, progress] = [h("div", {}), h("div", {}), h("div", {})];
  function draw() {
    const mine = drafts();
    show(list, mine.length ? h("ul", { class: "rows" }, mine.map(row)) : h("p", { class: "card soft" }, t("drafts.none")));
  }
  async function send() {
    try {
      const left = await sync();
      show(said, left ? h("p", { class: "banner away" }, t("drafts.left", { left })) : null);
    } catch (error) {
      show(said, error.code === "OFFLINE" ? h("p", { class: "banner away" }, t("drafts.offline")) : refused(error));
    }
    draw();
  }
  show(place, head(t("app.team"), false), said,
    button(t("draft.new"), () => go("draft", begin().form.request_id), { class: "main" }),
    h("h2", {}, t("drafts")), list,
    h("div", { class: "grid" },
      button(t("drafts.sync"), send),
      button(t("identify"), () => go("identify")),
      button(t("commune"), () => go("commune")),
      may("market_manager", "operator") ? button(t("reviews"), () => go("reviews")) : null,
      may("market_manager", "operator") ? button(t("market.page"), () => go("market")) : null),
    h("h2", {}, t("progress")), progress,
    h("p", { class: "center" }, button(t("sign-out"), async () => {
      // Signing out forgets what this phone holds: nothing that was not sent may be lost by it.
      if (drafts().some((one) => one.changed)) show(said, h("p", { class: "banner refused", role: "alert" }, t("drafts.unsent")));
      else await signOut();
    }, { class: "plain small" })));
  draw();
  window.addEventListener("online", send);
  await send();
  get("/v1/teams/progress").then((found) => show(progress, figures(found)), (error) => show(progress, refused(error)));
  return () => window.removeEventListener("online", send);
}

function row(one) {
  const state = one.conflict ? "draft.conflict" : one.changed ? "draft.unsent" : one.problems.length ? "draft.missing" : "draft.ready";
  return h("li", {},
    h("span", { class: "grow" }, h("span", { class: "number" }, one.form.person_name || one.form.name || t("draft.unnamed")),
      h("br"), h("span", { class: one.conflict ? "bad small" : "soft small" }, t(state, { count: one.problems.length }))),
    button(t("draft.open"), () => go("draft", one.form.request_id)));
}

function figures({ team, total }) {
  const shown = ["draft", "submitted", "in_review", "active"].map((name) => h("div", {},
    h("dt", { class: "soft" }, t(`progress.${name}`)), h("dd", { class: "number big" }, String(total[name]))));
  return h("section", { class: "card" }, team?.name ? h("p", { class: "soft" }, team.name) : null, h("dl", { class: "grid" }, shown));
}
