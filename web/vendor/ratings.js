// What buyers say of the stall, and its answers.

import { get, newKey, post } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { row, summary, writing } from "../shared/ratings.js";
import { head, refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { stall } from "./stall.js";

export async function screen(place) {
  const mine = await stall();
  const path = `/v1/merchants/${mine.merchant_id}/ratings`;
  const first = await get(path);
  const [rows, more] = [h("ul", { class: "rows", id: "ratings" }), h("div", {})];
  const add = (found) => {
    rows.append(...found.ratings.map(drawn));
    show(more, found.next_page_token ? button(t("older"), async () => add(await get(path, { page_token: found.next_page_token }))) : null);
  };
  show(place, head(t("ratings")), summary(first.summary), first.ratings.length ? rows : null, more);
  add(first);
  return null;
}

/** A rating, with a place to answer it. */
function drawn(rating) {
  const doing = h("div", {});
  const shown = row(rating, doing);
  show(doing, button(t(rating.answer ? "answer.change" : "answer"), () => {
    show(doing, form(rating, (now) => shown.replaceWith(drawn(now))));
    doing.querySelector("textarea").focus();
  }));
  return shown;
}

function form(rating, changed) {
  const said = h("div", {});
  const words = writing(t("answer.words"), `answer-${rating.rating_id}`, rating.answer);
  const field = words.querySelector("textarea");
  field.required = true;
  let request = { words: "", id: "" };
  const made = h("form", { class: "stack" }, words, said, h("button", { class: "main" }, t("answer.send")));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = made.querySelector("button");
    if (submit.disabled) return;
    submit.disabled = true;
    // The same words sent again are the same request: the last answer may have been lost.
    if (request.words !== field.value) request = { words: field.value, id: newKey() };
    try {
      const body = { request_id: request.id, answer: field.value };
      changed((await post(`/v1/ratings/${rating.rating_id}/answer`, body)).rating);
    } catch (error) {
      show(said, refused(error));
      submit.disabled = false;
    }
  });
  return made;
}
