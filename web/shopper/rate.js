// An order's rating: given once the goods are in hand, said anew, taken back.

import { get, newKey, post } from "../shared/api.js";
import { button, h, show, tell } from "../shared/dom.js";
import { stars, words, writing } from "../shared/ratings.js";
import { refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";

const POINTS = [5, 4, 3, 2, 1];

/** Draws it in `place`; nothing for an order that cannot be rated. */
export async function rating(place, order) {
  if (order.rated_points) {
    mine(place, order, (await get(`/v1/orders/${order.order_id}/rating`)).rating);
  } else {
    show(place, order.ratable ? form(place, order) : null);
  }
}

function mine(place, order, given) {
  const doing = h("div", {});
  const hidden = given.hidden ? [...given.history].reverse().find((one) => one.event === "hidden") : null;
  show(doing, h("div", { class: "grid" },
    button(t("rate.change"), () => show(doing, form(place, order, given))),
    button(t("rate.withdraw"), () => show(doing, sure(place, order)), { class: "danger" })));
  show(place, h("h2", {}, t("rate.mine")), h("section", { class: "card", id: "mine" }, h("p", {}, stars(given.points)), words(given),
    hidden ? h("p", { class: "banner away" }, t("rate.hidden", { reason: hidden.reason })) : null), doing);
}

function form(place, order, given = { points: 0, comment: "" }) {
  const said = h("div", {});
  const comment = writing(t("rate.words"), "comment", given.comment, t("rate.hint"));
  let request = { words: "", id: "" };
  const made = h("form", { class: "card stack", id: "rate" },
    h("fieldset", { class: "points stack" }, h("legend", {}, t("rate")), POINTS.map((points) => h("label", {},
      h("input", { type: "radio", name: "points", value: points, required: true, checked: points === given.points }),
      h("span", { class: "stars", "aria-hidden": "true" }, "★".repeat(points) + "☆".repeat(5 - points)), t(`rate.${points}`)))),
    comment, said, h("button", { class: "main" }, t("rate.send")));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    const body = { points: Number(new FormData(made).get("points")), comment: comment.querySelector("textarea").value };
    // The same words sent again are the same request: the last answer may have been lost.
    const text = JSON.stringify(body);
    if (request.words !== text) request = { words: text, id: newKey() };
    return sent(made, said, `/v1/orders/${order.order_id}/rating`, { request_id: request.id, ...body }, ({ rating: now }) => {
      tell(t("rate.sent"));
      mine(place, order, now);
    });
  });
  return made;
}

function sure(place, order) {
  const said = h("div", {});
  const requestId = newKey();
  const made = h("form", { class: "card stack" }, h("p", {}, t("rate.withdraw.sure")), said, h("button", { class: "danger" }, t("rate.withdraw")));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    return sent(made, said, `/v1/orders/${order.order_id}/rating/withdraw`, { request_id: requestId }, async () => {
      const { order: now } = await get(`/v1/orders/${order.order_id}`);
      await rating(place, now);
    });
  });
  return made;
}

async function sent(made, said, path, body, done) {
  const submit = made.querySelector("button");
  if (submit.disabled) return;
  submit.disabled = true;
  try {
    await done(await post(path, body));
  } catch (error) {
    show(said, refused(error));
    submit.disabled = false;
  }
}
