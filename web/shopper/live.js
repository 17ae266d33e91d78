// Live sales: what is left goes down before everybody's eyes; whoever taps first has it, by the server's order.

import { get, newKey, post } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { go, head, refused } from "../shared/shell.js";
import { listen } from "../shared/stream.js";
import { t } from "../shared/strings.js";

const ASKED_AGAIN_MAX = 5;
const AGAIN_MS = 1_000;

export async function screen(place, saleId) {
  return saleId ? one(place, saleId) : all(place);
}

async function all(place) {
  const { sales } = await get("/v1/live-sales");
  show(place, head(t("live")), sales.length ? h("ul", { class: "rows" }, sales.map((sale) => h("li", {},
    h("span", { class: "grow" }, h("span", { class: "number" }, sale.title), h("br"), h("span", { class: "soft small" }, sale.merchant_name)),
    button(sale.state === "SALE_STATE_OPEN" ? t("live.now") : when(sale.opens_at), () => go("live", sale.sale_id), { class: sale.state === "SALE_STATE_OPEN" ? "main" : "" }))))
    : h("p", { class: "card soft" }, t("live.none")));
  return null;
}

async function one(place, saleId) {
  const { sale } = await get(`/v1/live-sales/${saleId}`);
  const state = h("div", { role: "status" });
  const lines = sale.lines.map((line) => new Line(sale, line));
  show(place, head(sale.title), h("p", { class: "soft" }, sale.merchant_name), state, lines.map((line) => line.shown));
  let stands = sale.state;
  const told = (now) => {
    stands = now;
    lines.forEach((line) => line.open(now === "SALE_STATE_OPEN"));
    show(state, h("p", { class: now === "SALE_STATE_OPEN" ? "banner here" : "banner away" },
      now === "SALE_STATE_SCHEDULED" ? t("live.opens", { time: when(sale.opens_at) }) : t(`live.${now}`)));
  };
  told(stands);
  return listen(`/v1/live-sales/${saleId}/events`, `cho.live.${saleId}`, {
    event(type, counter) {
      told(`SALE_STATE_${counter.state.toUpperCase()}`);
      if (type === "counter") for (const line of lines) line.left(counter.left[line.productId] ?? 0);
    },
    state(now) {
      // Where nothing has changed meanwhile, nothing more comes for a while.
      if (now === "away") show(state, h("p", { class: "banner away" }, t("live.away")));
      else told(stands);
    },
  });
}

/** One product of the sale: how many are left, and the button. */
class Line {
  constructor(sale, line) {
    this.sale = sale;
    this.productId = line.product_id;
    this.count = h("p", { class: "number huge", "data-left": line.product_id }, "…");
    this.said = h("div", {});
    this.claim = button(t("live.claim"), () => this.take(), { class: "main" });
    this.shown = h("section", { class: "card center stack" }, h("p", { class: "name" }, line.name),
      h("p", { class: "number big" }, `${dong(line.price)}/${line.unit}`), this.count, h("p", { class: "soft small" }, t("live.left", { cap: line.cap })), this.said, this.claim);
    this.left(line.left ?? line.lots);
  }

  left(lots) {
    this.lots = Number(lots);
    this.count.textContent = this.lots.toLocaleString("vi-VN");
    this.offer();
  }

  open(isOpen) {
    this.isOpen = isOpen;
    this.offer();
  }

  offer() {
    this.claim.hidden = !this.isOpen || !this.lots;
  }

  /** One tap is one claim, however often it has to be sent: the same request is the same place in the line. What has no
   * claim yet is what the next tap asks for: an answer may have been lost. A refusal is not remembered. */
  async take() {
    this.asked ??= { request_id: newKey(), product_id: this.productId, lots: 1 };
    const body = this.asked;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const { claim } = await post(`/v1/live-sales/${this.sale.sale_id}/claims`, body);
        this.asked = null;
        show(this.said, h("p", { class: "banner here" }, t("live.claimed", { number: claim.number, time: when(claim.pay_by) })));
        await ordered(claim.order_id);
        go("orders", claim.order_id);
        return;
      } catch (error) {
        if (error.again && attempt < ASKED_AGAIN_MAX) {
          show(this.said, h("p", { class: "banner away" }, t("live.again")));
          await new Promise((resolve) => setTimeout(resolve, Math.max(AGAIN_MS, error.retryAfterS * 1_000)));
        } else {
          show(this.said, refused(error));
          return;
        }
      }
    }
  }
}

/** The claim is an order a moment later. */
async function ordered(orderId) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    try {
      return await get(`/v1/orders/${orderId}`);
    } catch (error) {
      if (error.code !== "NOT_FOUND") throw error;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
  return null;
}
