// The stall's orders: what is to be done, weights, handing over, and what comes back.

import { get, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong, grouped, groupWhileTyped, typedAmount, when } from "../shared/money.js";
import { Intention } from "../shared/once.js";
import { facts, happened, howMuch, tone } from "../shared/order.js";
import { sendFrom, unanswered } from "../shared/pay.js";
import { recallNotice, recallOf } from "../shared/recall.js";
import { repeat, typing } from "../shared/repeat.js";
import { go, head, refused, withPin } from "../shared/shell.js";
import { sentence, t } from "../shared/strings.js";
import { stall } from "./stall.js";

const ASKED_EVERY_MS = 5_000;
const PAGE = 50;
// What the stall has to do something about, first what is new.
const OPEN = ["PAID", "HELD", "RETURN_ASKED", "PREPARING", "READY", "HANDED_OVER"];

export async function screen(place, orderId) {
  return orderId ? one(place, orderId) : all(place, await stall());
}

async function all(place, mine) {
  const [away, list, older] = [h("div", { role: "status" }), h("div", {}), h("div", {})];
  let pages = 1; // of each state, the newest first
  async function of(state) {
    const found = [];
    let token = "";
    for (let page = 0; page < pages && (page === 0 || token); page += 1) {
      const reply = await get(`/v1/merchants/${mine.merchant_id}/orders`, { state: `ORDER_STATE_${state}`, page_size: PAGE, page_token: token });
      found.push(...reply.orders);
      token = reply.next_page_token;
    }
    return { found, more: Boolean(token) };
  }
  async function look() {
    const asked = await Promise.all(OPEN.map(of));
    const found = asked.flatMap((one) => one.found);
    show(away);
    show(older, asked.some((one) => one.more) ? button(t("older"), () => { pages += 1; return look(); }, { class: "plain" }) : null);
    show(list, found.length ? h("ul", { class: "rows", id: "orders" }, found.map(row)) : h("p", { class: "card soft" }, t("orders.stall.none")));
  }
  show(place, head(t("orders")), away, list, older);
  await look();
  return repeat(look, ASKED_EVERY_MS, (error) => show(away, h("p", { class: "banner away" }, sentence(error))));
}

function row(order) {
  return h("li", { "data-order": order.order_id },
    h("span", { class: "soft small" }, when(order.placed_at)),
    h("span", { class: "grow" }, h("span", { class: "number" }, order.code), " ", h("span", { class: tone(order.state) }, t(`order.${order.state}`)),
      recallOf(order) === null ? null : h("span", { class: "bad" }, ` · ${t("recall.short")}`), h("br"),
      h("span", { class: "soft small" }, order.lines.map((line) => `${howMuch(line)} ${line.name}`).join(", "))),
    button(dong(order.total), () => go("orders", order.order_id), { "aria-label": t("order", { reference: order.code }) }));
}

async function one(place, orderId) {
  let { order } = await get(`/v1/orders/${orderId}`);
  const [shown, doing, past, said, pin] = [h("div", {}), h("div", { class: "stack" }), h("div", {}), h("div", {}), h("div", {})];
  const away = h("div", { role: "status" });
  const draw = () => {
    show(shown, recallNotice(order, "seller"), facts(order));
    show(past, happened(order));
    show(doing, deeds(order, act, pin, changed));
  };
  function changed(now) {
    order = now;
    draw();
  }
  async function act(verb, body) {
    show(said);
    doing.inert = true; // what is typed meanwhile would be drawn over
    try {
      const reply = await withPin(pin, () => post(`/v1/orders/${order.order_id}/${verb}`, body));
      changed(reply ? reply.order : order);
    } catch (error) {
      show(said, refused(error));
    }
    doing.inert = false;
  }
  show(place, head(t("order", { reference: order.code })), unanswered(() => changed(order)), away, shown, said, pin, doing, h("h2", {}, t("order.history")), past);
  draw();
  return repeat(async () => {
    const { order: now } = await get(`/v1/orders/${orderId}`);
    show(away);
    if (doing.inert || typing(doing)) return; // not under somebody's fingers
    if (now.state !== order.state || now.history.length !== order.history.length) changed(now);
  }, ASKED_EVERY_MS, (error) => show(away, h("p", { class: "banner away" }, sentence(error))));
}

function deeds(order, act, pin, changed) {
  const state = order.state.replace("ORDER_STATE_", "");
  const to = (next, label) => button(t(label), () => act("advance", { to: `ORDER_STATE_${next}` }), { class: "main" });
  const parts = [];
  // However it is paid: nothing is ready before it is weighed.
  const scales = order.lines.filter((line) => Number(line.grams_per_unit) && !line.recalled && (line.final_grams === undefined || line.final_grams === null));
  if (["HELD", "PAID"].includes(state)) parts.push(to("PREPARING", "order.prepare"));
  if (["HELD", "PAID", "PREPARING"].includes(state) && scales.length) parts.push(weights(scales, act));
  if (state === "PREPARING" && !scales.length) parts.push(to("READY", "order.make-ready"));
  if (state === "READY") parts.push(order.fulfilment === "FULFILMENT_PICKUP" ? to("PICKED_UP", "order.handed") : carrier(act));
  if (state === "HANDED_OVER") parts.push(to("DELIVERED", "order.delivered"), asked("tracking", "text", "order.track", act));
  if (state === "RETURN_ASKED") {
    parts.push(button(t("order.return.accept"), () => act("return/decide", { decision: "DECISION_ACCEPT" }), { class: "main" }),
      asked("return/decide", "reason", "order.return.refuse", act, { decision: "DECISION_REFUSE" }));
  }
  if (["PICKED_UP", "DELIVERED", "READY", "PREPARING", "PAID"].includes(state) && Number(order.due) > 0) parts.push(refund(order, pin, changed));
  if (["PLACED", "UNDERPAID", "HELD", "PAID", "PREPARING", "READY", "HANDED_OVER"].includes(state)) parts.push(asked("cancel", "reason", "order.cancel", act));
  return parts;
}

/** What the scales say, in grams; the order is priced anew. */
function weights(lines, act) {
  const fields = lines.map((line) => field(t("order.weigh", { name: line.name }), { id: `w-${line.product_id}`, inputmode: "numeric", required: true, maxlength: 7, placeholder: grouped(Number(line.grams)) }));
  fields.forEach((one) => groupWhileTyped(one.querySelector("input")));
  return submitted(h("form", { class: "card stack" }, fields, h("button", { class: "main" }, t("order.weigh.done"))), () => act("weights", {
    weights: lines.map((line, i) => ({ product_id: line.product_id, grams: typedAmount(fields[i].querySelector("input").value) })),
  }));
}

function carrier(act) {
  const [who, code] = [field(t("order.carrier.name"), { id: "carrier", required: true, maxlength: 60 }), field(t("order.carrier.code"), { id: "tracking", maxlength: 60 })];
  return submitted(h("form", { class: "card stack" }, who, code, h("button", { class: "main" }, t("order.hand-over"))), () => act("advance", {
    to: "ORDER_STATE_HANDED_OVER", carrier: who.querySelector("input").value, tracking_code: code.querySelector("input").value,
  }));
}

/** Money of one line, or of all that is left: once, however often it is asked for, until it is known how that ended. */
function refund(order, pin, changed) {
  const place = h("div", {});
  show(place, button(t("refund"), () => show(place, refundForm(order, pin, changed)), { class: "plain" }));
  return place;
}

function refundForm(order, pin, changed) {
  const line = h("select", { id: "line" }, h("option", { value: "" }, t("order.refund.all")), order.lines.filter((one) => leftOf(order, one.product_id) > 0).map((one) => h("option", { value: one.product_id }, one.name)));
  const part = field(t("amount"), { id: "amount", inputmode: "numeric", class: "amount", maxlength: 15 }, t("order.refund.hint"));
  const reason = field(t("order.reason"), { id: "reason", required: true, maxlength: 140 });
  const [amount, said, submit] = [part.querySelector("input"), h("div", {}), h("button", { class: "danger" })];
  groupWhileTyped(amount);
  const typed = () => (line.value ? typedAmount(amount.value) : 0);
  const given = () => typed() || leftOf(order, line.value);
  const look = () => {
    // A part is one of a line: of the whole order all that is left goes back.
    part.hidden = !line.value;
    amount.setCustomValidity(line.value && amount.value && !typed() ? t("error.AMOUNT_INVALID") : "");
    submit.textContent = t("refund.give", { amount: dong(given()) });
  };
  for (const input of [line, amount]) input.addEventListener("input", look);
  look();
  const form = h("form", { class: "card stack" }, h("div", { class: "field" }, h("label", { for: "line" }, t("order.refund.what")), line), part, reason, said, submit);
  const intention = new Intention(`/v1/orders/${order.order_id}/refunds`);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { product_id: line.value, amount: typed(), reason: reason.querySelector("input").value };
    const about = { amount: given(), name: t("order.refund.name", { reference: order.code }) };
    await sendFrom({ form, place: said, pin, intention, body, about, done: ({ order: now }) => changed(now) });
  });
  return form;
}

/** Đồng that the stall still has of a line; "": of all. */
function leftOf(order, productId) {
  const line = order.lines.find((one) => one.product_id === productId);
  return line ? Number(line.total) - Number(line.given_back) : Number(order.due);
}

/** Asked for words first: the other side reads them. */
function asked(verb, what, label, act, body = {}) {
  const place = h("div", {});
  show(place, button(t(label), () => {
    const words = field(t(what === "text" ? "order.track.text" : "order.reason"), { id: `${what}-${verb.replace("/", "-")}`, maxlength: 140, required: true });
    show(place, submitted(h("form", { class: "card stack" }, words, h("button", { class: what === "text" ? "main" : "danger" }, t(label))), () => act(verb, { ...body, [what]: words.querySelector("input").value })));
    words.querySelector("input").focus();
  }, { class: "plain" }));
  return place;
}

function submitted(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("button");
    if (submit.disabled) return;
    submit.disabled = true;
    await work();
    submit.disabled = false;
  });
  return form;
}
