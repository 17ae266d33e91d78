// A product's lots: what came in from whom, until when it is good, and what was spoilt.

import { get, newKey, post } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { button, field, h, show } from "../shared/dom.js";
import { growerOf } from "../shared/grower.js";
import { date, day, grouped } from "../shared/money.js";
import { weight } from "../shared/order.js";
import { refused } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { recalledLot } from "./recalled.js";

const STARS = ["0", "1", "2", "3", "4", "5"];

/** The section of a product's lots; it fetches them itself. */
export function lots(product, { merchant_id: merchantId }) {
  const [list, said, adding] = [h("div", { class: "stack", id: "lots" }), h("div", {}), h("div", {})];
  const much = (base) => (Number(product.grams_per_unit) ? weight(base) : `${grouped(Number(base))} ${product.unit}`);

  async function look() {
    const { lots: all } = await get(`/v1/products/${product.product_id}/lots`);
    const kept = all.filter((one) => one.recalled || !counted(one) || Number(one.on_hand) + Number(one.reserved));
    const growersOf = new Map(await Promise.all([...new Set(kept.map((one) => one.facts?.grower_id).filter(Boolean))].map(async (id) => [id, await growerOf(id)])));
    show(list, kept.length ? kept.map((one) => lot(one, { product, much, grower: growersOf.get(one.facts?.grower_id), done: look, said, merchantId })) : h("p", { class: "soft" }, t("lots.empty")));
  }

  const open = () => show(adding, button(t("lot.add"), async () => show(adding, form(product, await growers(merchantId), said, async () => {
    open();
    await look();
  }))));
  open();
  look().catch((error) => show(list, refused(error)));
  return h("section", { class: "stack" }, h("h2", {}, t("lots.of-product")), list, said, adding);
}

/** Whether quantities were told: every lot received something. Who is not known to keep the product sees what is for sale. */
const counted = (one) => Number(one.received) > 0;

function lot(one, { product, much, grower, done, said, merchantId }) {
  const facts = one.facts ?? {};
  const told = [
    grower, facts.harvest_day && `${t("lot.harvested")} ${date(facts.harvest_day)}`, facts.sell_by && `${t("lot.sell-by")} ${date(facts.sell_by)}`,
    facts.area_code, Number(facts.ocop_stars) ? `OCOP ${facts.ocop_stars}★` : "",
  ].filter(Boolean).join(" · ");
  return h("div", { class: "card", "data-lot": one.lot_id },
    counted(one) ? h("p", {}, h("span", { class: "number" }, much(one.on_hand)), Number(one.reserved) ? h("span", { class: "soft" }, ` · ${t("lot.reserved", { much: much(one.reserved) })}`) : null) : null,
    one.recalled ? recalledLot(product, merchantId) : one.for_sale ? null : h("p", { class: "bad" }, t("lot.not-for-sale")),
    h("p", { class: counted(one) ? "soft small" : "" }, told || t("lot.nothing-said")),
    !counted(one) || Number(one.on_hand) ? writingOff(one, { product, done, said }) : null);
}

/** Spoilt, lost or given away: how much, and why. */
function writingOff(one, { product, done, said }) {
  const place = h("div", {});
  show(place, button(t("lot.write-off"), () => {
    const much = quantity(product, `off-${one.lot_id}`, t("lot.write-off.much"));
    const reason = field(t("lot.write-off.why"), { id: `why-${one.lot_id}`, required: true, maxlength: 200 });
    const requestId = newKey();
    show(place, submitted(h("form", { class: "stack" }, much.shown, reason, h("button", { class: "danger" }, t("lot.write-off"))), said, async () => {
      await post(`/v1/products/${product.product_id}/lots/${one.lot_id}/write-off`, {
        request_id: requestId, quantity: much.base(), reason: reason.querySelector("input").value,
      });
      await done();
    }));
  }, { class: "plain" }));
  return place;
}

/** [id, name] of those who let this stall sell for them today. */
async function growers(merchantId) {
  const { relations } = await get("/v1/relations", { merchant_id: merchantId });
  const today = day(now());
  const ids = [...new Set(relations.filter((one) => one.from_day <= today && (!one.to_day || today <= one.to_day)).map((one) => one.grower_id))];
  return Promise.all(ids.map(async (id) => [id, (await growerOf(id)) || id]));
}

function form(product, from, said, done) {
  const much = quantity(product, "lot-quantity", t("lot.quantity"));
  const [harvested, sellBy] = [
    field(t("lot.harvested"), { id: "lot-harvested", type: "date" }), field(t("lot.sell-by"), { id: "lot-sell-by", type: "date" })];
  const area = field(t("lot.area"), { id: "lot-area", maxlength: 40, autocapitalize: "characters" }, t("lot.area.hint"));
  const grower = h("select", { id: "lot-grower" }, h("option", { value: "" }, t("lot.grower.none")), from.map(([id, name]) => h("option", { value: id }, name)));
  const stars = h("select", { id: "lot-stars" }, STARS.map((one) => h("option", { value: one }, one === "0" ? t("lot.no-stars") : `${one}★`)));
  const value = (within) => within.querySelector("input").value.trim();
  const requestId = newKey();
  return submitted(h("form", { class: "card stack" }, much.shown,
    from.length ? h("div", { class: "field" }, h("label", { for: "lot-grower" }, t("lot.grower")), grower) : null,
    h("div", { class: "pair" }, harvested, sellBy), area,
    h("div", { class: "field" }, h("label", { for: "lot-stars" }, t("filter.stars")), stars), h("button", { class: "main" }, t("lot.add"))), said, async () => {
    await post(`/v1/products/${product.product_id}/lots`, {
      request_id: requestId, quantity: much.base(),
      facts: { grower_id: grower.value, harvest_day: value(harvested), sell_by: value(sellBy), area_code: value(area), ocop_stars: Number(stars.value) },
    });
    await done();
  });
}

/** A field for so much of a product; `base()` is what was typed in pieces, or grams of what is weighed. */
function quantity(product, id, label) {
  const weighed = Number(product.grams_per_unit) > 0;
  const shown = field(`${label} (${weighed ? "kg" : product.unit})`, { id, inputmode: weighed ? "decimal" : "numeric", required: true, maxlength: 9 });
  const typed = () => shown.querySelector("input").value.trim();
  return { shown, base: () => (weighed ? grams(typed()) : pieces(typed())) };
}

/** "2,5" is 2500: a comma, or a point, before what is less than a kilo. 0 where it is no weight, and refused as such. */
export function grams(typed) {
  return /^\d{1,6}([.,]\d{1,3})?$/.test(typed) ? Math.round(Number(typed.replace(",", ".")) * 1000) : 0;
}

/** Whole ones: half a duck is none, and "2,5" not 25. */
function pieces(typed) {
  return /^\d{1,9}$/.test(typed) ? Number(typed) : 0;
}

function submitted(form, said, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = form.querySelector("button");
    submit.disabled = true;
    try {
      await work();
      show(said);
    } catch (error) {
      show(said, refused(error));
      submit.disabled = false;
    }
  });
  return form;
}
