// The shopper's orders: paying one, following it, giving it up, sending it back.

import { get, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { Intention } from "../shared/once.js";
import { facts, happened, steps, tone } from "../shared/order.js";
import { sendFrom } from "../shared/pay.js";
import { recallNotice, recallOf } from "../shared/recall.js";
import { repeat, typing } from "../shared/repeat.js";
import { go, head, refused } from "../shared/shell.js";
import { sentence, t } from "../shared/strings.js";
import { rating } from "./rate.js";
import { choice, wallets } from "./wallets.js";

const ASKED_EVERY_MS = 5_000;
// Set aside beyond the price of what is weighed: scales rarely stop where one asked.
const MORE = 1.1;
// How long money is set aside, s: stalls have a day to weigh, and a rest day may come between.
const HELD_S = 3 * 86_400;

export async function screen(place, orderId) {
  return orderId ? one(place, orderId) : all(place);
}

async function all(place) {
  const { orders: mine } = await get("/v1/me/orders");
  show(place, head(t("orders")), mine.length ? h("ul", { class: "rows" }, mine.map((order) => h("li", {},
    h("span", { class: "soft small" }, when(order.placed_at)),
    h("span", { class: "grow" }, `${order.merchant_name} · `, h("span", { class: tone(order.state) }, t(`order.${order.state}`)),
      recallOf(order) === null ? null : h("span", { class: "bad" }, ` · ${t("recall.short")}`),
      order.ratable ? h("span", { class: "soft small" }, ` · ${t("rate.yet")}`) : null),
    button(dong(order.total), () => go("orders", order.order_id))))) : h("p", { class: "soft" }, t("orders.none")));
  return null;
}

async function one(place, orderId) {
  let { order } = await get(`/v1/orders/${orderId}`);
  const [shown, doing, said, past] = [h("div", {}), h("div", { class: "stack" }), h("div", { id: "rating" }), h("div", {})];
  const away = h("div", { role: "status" });
  let rated = "";
  const draw = async () => {
    show(shown, recallNotice(order, "buyer"), steps(order), facts(order));
    show(past, happened(order));
    show(doing, await deeds(order, (changed) => { order = changed; return draw(); }));
    // Not drawn over while somebody writes.
    const now = `${order.ratable} ${order.rated_points}`;
    if (now !== rated) await rating(said, order);
    rated = now;
  };
  show(place, head(t("order", { reference: order.code })), h("p", { class: "number" }, order.merchant_name), away, shown, doing, said, h("h2", {}, t("order.history")), past);
  await draw();
  return repeat(async () => {
    const { order: now } = await get(`/v1/orders/${orderId}`);
    show(away);
    if (typing(doing)) return; // not under somebody's fingers
    if (now.state !== order.state || now.history.length !== order.history.length) {
      order = now;
      await draw();
    }
  }, ASKED_EVERY_MS, (error) => show(away, h("p", { class: "banner away" }, sentence(error))));
}

/** What can be done with it now. */
async function deeds(order, changed) {
  const state = order.state.replace("ORDER_STATE_", "");
  const parts = [];
  if (state === "PLACED" && order.pay === "PAY_BY_QR") parts.push(button(t("orders.pay"), () => go("pay", order.qr_payload), { class: "main" }));
  if (state === "PLACED" && order.pay === "PAY_BY_HOLD") parts.push(await setAside(order));
  if (["PLACED", "UNDERPAID"].includes(state)) parts.push(h("p", { class: "soft" }, t("order.pay-by", { time: when(order.pay_by) })));
  if (state === "READY") parts.push(h("p", { class: "banner here" }, t(order.fulfilment === "FULFILMENT_PICKUP" ? "order.ready.pickup" : "order.ready.delivery")));
  if (state === "READY" && order.fulfilment === "FULFILMENT_PICKUP") parts.push(act(order, "advance", { to: "ORDER_STATE_PICKED_UP" }, "order.got", changed, { class: "main" }));
  if (state === "HANDED_OVER") parts.push(act(order, "advance", { to: "ORDER_STATE_DELIVERED" }, "order.got", changed, { class: "main" }));
  if (["PLACED", "UNDERPAID", "HELD", "PAID"].includes(state)) parts.push(withReason(order, "cancel", "order.cancel", changed));
  if (["PICKED_UP", "DELIVERED"].includes(state)) parts.push(withReason(order, "return", "order.return", changed));
  return parts;
}

/** Money set aside in the wallet: the stall takes what the scales say, the rest is free again. */
async function setAside(order) {
  const { shown, chosen } = choice(await wallets());
  const scales = order.lines.some((line) => Number(line.grams_per_unit));
  const amount = scales ? Math.ceil((Number(order.total) * MORE) / 1000) * 1000 : Number(order.total);
  const [said, pin] = [h("div", {}), h("div", {})];
  const intention = new Intention("/v1/holds");
  const form = h("form", { class: "stack" }, h("p", { class: "hint" }, t(scales ? "order.hold.scales" : "order.hold.hint")), shown, said,
    h("button", { class: "main" }, t("order.hold", { amount: dong(amount) })));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { wallet_id: chosen(), merchant_id: order.merchant_id, amount, reference: order.code, expires_in_s: HELD_S };
    await sendFrom({
      form, place: said, pin, intention, body, about: { amount, name: order.merchant_name },
      done: () => show(said, h("p", { class: "banner here" }, t("order.hold.done"))),
    });
  });
  return h("div", {}, form, pin);
}

function act(order, verb, body, label, changed, attributes = {}) {
  const said = h("div", {});
  return h("div", {}, said, button(t(label), async () => {
    try {
      await changed((await post(`/v1/orders/${order.order_id}/${verb}`, body)).order);
    } catch (error) {
      show(said, refused(error));
    }
  }, attributes));
}

/** Asked for a reason first: the other side reads it. */
function withReason(order, verb, label, changed) {
  const place = h("div", {});
  const said = h("div", {});
  const open = button(t(label), () => {
    const reason = field(t("order.reason"), { id: `reason-${verb}`, maxlength: 140, required: true });
    const form = h("form", { class: "card stack" }, reason, said, h("button", { class: "danger" }, t(label)));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const submit = form.querySelector("button");
      submit.disabled = true;
      try {
        await changed((await post(`/v1/orders/${order.order_id}/${verb}`, { reason: reason.querySelector("input").value })).order);
      } catch (error) {
        show(said, refused(error));
        submit.disabled = false;
      }
    });
    show(place, form);
    reason.querySelector("input").focus();
  }, { class: "plain" });
  show(place, open);
  return place;
}
