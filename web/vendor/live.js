// The stall's live sales: said beforehand, watched while they go on, ended early where need be.

import { get, newKey, post } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { button, field, h, show } from "../shared/dom.js";
import { day, dong, grouped, groupWhileTyped, typedAmount, when, WHOLE } from "../shared/money.js";
import { repeat } from "../shared/repeat.js";
import { go, head, refused } from "../shared/shell.js";
import { sentence, t } from "../shared/strings.js";
import { stall } from "./stall.js";

const ASKED_EVERY_MS = 5_000;
const NEW = "new";

export async function screen(place, what) {
  const mine = await stall();
  return what === NEW ? schedule(place, mine) : all(place, mine);
}

async function all(place, mine) {
  const [list, said, away] = [h("div", {}), h("div", {}), h("div", { role: "status" })];
  const end = (sale) => async () => {
    const verb = sale.state === "SALE_STATE_OPEN" ? "close" : "cancel";
    try {
      await post(`/v1/live-sales/${sale.sale_id}/${verb}`, { reason: t(`live.${verb}.reason`) });
      await look();
    } catch (error) {
      show(said, refused(error));
    }
  };
  async function look() {
    const { sales } = await get("/v1/live-sales");
    show(away);
    const own = sales.filter((sale) => sale.merchant_id === mine.merchant_id);
    show(list, own.length ? own.map((sale) => h("section", { class: "card", "data-sale": sale.sale_id }, h("p", { class: "number" }, sale.title),
      h("p", { class: "soft" }, `${t(`live.${sale.state}`)} · ${when(sale.opens_at)}`),
      sale.lines.map((line) => h("p", {}, `${line.name} · ${dong(line.price)} · `, h("span", { class: "number" }, t("live.of", { left: line.left ?? line.lots, lots: line.lots })))),
      button(t(sale.state === "SALE_STATE_OPEN" ? "live.close" : "live.cancel"), end(sale), { class: "plain" }))) : h("p", { class: "card soft" }, t("live.none")));
  }
  show(place, head(t("live")), button(t("live.new"), () => go("live", NEW), { class: "main" }), away, said, list);
  await look();
  return repeat(look, ASKED_EVERY_MS, (error) => show(away, h("p", { class: "banner away" }, sentence(error))));
}

async function schedule(place, mine) {
  const { products } = await get(`/v1/merchants/${mine.merchant_id}/products`, { page_size: 100 });
  const shown = products.filter((one) => one.state === "PRODUCT_STATE_PUBLISHED");
  const soon = new Date(now().getTime() + 10 * 60_000);
  const said = h("div", {});
  const title = field(t("live.title"), { id: "title", maxlength: 80, required: true });
  const opens = field(t("live.opens-at"), { id: "opens", type: "datetime-local", required: true, value: `${day(soon)}T${clock(soon)}` });
  const minutes = field(t("live.minutes"), { id: "minutes", inputmode: "numeric", pattern: WHOLE, required: true, value: "30", maxlength: 4 });
  const product = h("select", { id: "product" }, shown.map((one) => h("option", { value: one.product_id }, `${one.name} · ${dong(one.price)}/${one.unit}`)));
  const lots = field(t("live.lots"), { id: "lots", inputmode: "numeric", pattern: WHOLE, required: true, maxlength: 5 });
  const price = field(t("live.price"), { id: "price", inputmode: "numeric", class: "amount", required: true, maxlength: 15 });
  const cap = field(t("live.cap"), { id: "cap", inputmode: "numeric", pattern: WHOLE, value: "1", required: true, maxlength: 3 });
  const value = (within) => within.querySelector("input").value;
  groupWhileTyped(price.querySelector("input"));
  const proposed = () => { price.querySelector("input").placeholder = grouped(shown.find((one) => one.product_id === product.value)?.price ?? 0); };
  product.addEventListener("change", proposed);
  proposed();
  const requestId = newKey();
  const form = h("form", { class: "stack" }, title, opens, minutes, h("div", { class: "field" }, h("label", { for: "product" }, t("product")), product), h("div", { class: "two" }, lots, cap), price, said,
    h("button", { class: "main" }, t("live.schedule")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("button.main");
    if (submit.disabled) return;
    submit.disabled = true;
    // What is typed is the time in Vietnam, wherever the phone thinks it is.
    const begin = new Date(`${value(opens)}:00+07:00`);
    try {
      await post("/v1/live-sales", {
        request_id: requestId, merchant_id: mine.merchant_id, title: value(title), opens_at: begin.toISOString(),
        closes_at: new Date(begin.getTime() + typedAmount(value(minutes)) * 60_000).toISOString(),
        lines: [{ product_id: product.value, lots: typedAmount(value(lots)), price: typedAmount(value(price)), cap: typedAmount(value(cap)) }],
      });
      go("live");
    } catch (error) {
      show(said, refused(error));
      submit.disabled = false;
    }
  });
  show(place, head(t("live.new")), shown.length ? form : h("p", { class: "card soft" }, t("products.none")));
  return null;
}

/** "08:30" in Vietnam. */
function clock(moment) {
  return new Intl.DateTimeFormat("en-GB", { timeZone: "Asia/Ho_Chi_Minh", hour: "2-digit", minute: "2-digit" }).format(moment);
}
