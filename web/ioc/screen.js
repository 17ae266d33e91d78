// Today against the day that is most like it, the last hour by minute, the markets by what happens there, quiet stalls.

import { get } from "../shared/api.js";
import { now } from "../shared/clock.js";
import { button, h, show } from "../shared/dom.js";
import { day, dong, when } from "../shared/money.js";
import { repeat } from "../shared/repeat.js";
import { head, may, refused, signOut } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { levels } from "./levels.js";
import { land, map } from "./map.js";
import { recalls } from "./recalls.js";
import { spark } from "./spark.js";
import { adoption, liquidity } from "./standing.js";

const ASKED_EVERY_MS = 5_000;
// The worker counts every 5 s: figures older than three of its rounds are not the present's.
const STALE_MS = 20_000;
// The sentinel itself looks once a minute.
const ALARMS_EVERY_MS = 60_000;
// How it stands with communes and telecoms changes slowly.
const STANDING_EVERY_MS = 60_000;
// Markets whose alarms are asked for: the busiest ones.
const WATCHED_MAX = 20;

export async function screen(place) {
  const parts = {
    state: h("div", { role: "status" }),
    totals: h("section", { class: "totals" }),
    hour: h("section", { class: "card" }),
    map: h("section", { class: "card", id: "map" }),
    markets: h("section", { class: "tiles", id: "markets" }),
    alarms: h("section", { class: "card" }),
    recalls: h("section", { class: "card", id: "recalls" }),
    levels: h("section", { class: "card", id: "levels" }),
    liquidity: h("section", { class: "card", id: "liquidity" }),
    adoption: h("section", { class: "card", id: "adoption" }),
  };
  const csv = h("a", { class: "button", id: "csv" }, t("ioc.csv"));
  let [known, wards] = [null, []];
  const seen = new Map();

  async function look() {
    known = await get("/v1/pulse");
    draw(known, parts);
    map(parts.map, known.markets, wards, seen);
    state(known, false, parts.state);
    // A screen on a wall is left open over midnight.
    const today = day(now());
    csv.href = `/v1/pulse.csv?from=${today}&to=${today}`;
    csv.download = `cho-${today}.csv`;
    // Without the land the markets are seen all the same; it is asked for until it is there.
    if (!wards.length) wards = await land(known.markets);
  }

  async function watch() {
    const busiest = [...known.markets].sort(byActivity).slice(0, WATCHED_MAX);
    const asked = await Promise.all(busiest.map((one) => get(`/v1/markets/${one.market_id}/alarms`, { state: "ALARM_STATE_OPEN", page_size: 5 })
      .then(({ alarms }) => alarms.map((alarm) => ({ ...alarm, market: one.name })))));
    const all = asked.flat();
    show(parts.alarms, h("h2", {}, t("ioc.alarms")), all.length
      ? h("ul", { class: "rows" }, all.map((one) => h("li", {}, h("span", { class: "bad" }, t(`alarm.${one.kind}`)),
        h("span", { class: "grow" }, `${one.merchant_name} · ${one.stall} · ${one.market}`), h("span", { class: "soft small" }, when(one.raised_at)))))
      : h("p", { class: "soft" }, t("alarms.none")));
  }

  show(place, head(t("app.ioc"), false), parts.state, parts.totals, parts.hour, parts.map, parts.levels, h("h2", {}, t("ioc.markets")), parts.markets,
    parts.alarms, parts.recalls, parts.liquidity, parts.adoption,
    h("p", { class: "center" },
      csv,
      button(t("sign-out"), signOut, { class: "plain small" })));
  const instead = (part) => (error) => show(part, refused(error));
  parts.recalls.hidden = !may("operator", "auditor");
  // Each by itself: what cannot be had takes nothing else off the screen.
  const asked = [
    [watch, ALARMS_EVERY_MS, (error) => show(parts.alarms, h("h2", {}, t("ioc.alarms")), refused(error))],
    [() => levels(parts.levels), ASKED_EVERY_MS, instead(parts.levels)],
    [() => recalls(parts.recalls), ASKED_EVERY_MS, instead(parts.recalls)],
    [() => liquidity(parts.liquidity), STANDING_EVERY_MS, instead(parts.liquidity)],
    [() => adoption(parts.adoption, known.markets), STANDING_EVERY_MS, instead(parts.adoption)],
  ];
  await look();
  map(parts.map, known.markets, wards, seen);
  await Promise.all(asked.map(([work, , failed]) => work().catch(failed)));
  const stops = asked.map(([work, ms, failed]) => repeat(work, ms, failed));
  stops.push(repeat(look, ASKED_EVERY_MS, () => state(known, true, parts.state)));
  return () => stops.forEach((stop) => stop());
}

/** Of when the figures are; said loudly where they are not the present's. */
function state(known, failed, place) {
  const asOf = known?.as_of ? Date.parse(known.as_of) : 0;
  const stale = failed || now() - asOf > STALE_MS;
  show(place,
    h("p", { class: stale ? "banner away" : "banner here", id: "as-of" }, t(stale ? "ioc.stale" : "ioc.live", { time: asOf ? when(asOf) : "—" })),
    known && !known.whole ? h("p", { class: "banner away" }, t("ioc.not-whole")) : null);
}

function draw(pulse, parts) {
  const sum = (of) => pulse.markets.reduce((total, one) => total + of(one), 0);
  const compared = pulse.markets.every((one) => one.before);
  const [payments, amount] = [sum((one) => Number(one.today?.payments ?? 0)), sum((one) => Number(one.today?.amount ?? 0))];
  show(parts.totals,
    figure("ioc.payments", "payments", payments.toLocaleString("vi-VN"), compared ? sum((one) => Number(one.before.payments)) : null, payments),
    figure("ioc.amount", "amount", dong(amount), compared ? sum((one) => Number(one.before.amount)) : null, amount),
    figure("ioc.merchants", "merchants", sum((one) => one.merchants_paid).toLocaleString("vi-VN")),
    figure("ioc.busy", "busy", String(pulse.markets.filter((one) => lately(one) > 0).length)));
  const minutes = pulse.markets.reduce((total, one) => one.payments_by_minute.map((n, i) => n + (total[i] ?? 0)), []);
  const last = minutes.slice(0, -1);
  const most = Math.max(0, ...last);
  show(parts.hour, h("h2", {}, t("ioc.hour")), spark(minutes, t("ioc.hour.said", { most, last: last.at(-1) ?? 0 })),
    h("p", { class: "soft" }, t("ioc.hour.said", { most, last: last.at(-1) ?? 0 })));
  show(parts.markets, [...pulse.markets].sort(byActivity).map(tile));
}

function figure(label, id, shown, before = null, now = 0) {
  const change = before ? Math.round((100 * (now - before)) / before) : null;
  return h("div", { class: "card" }, h("p", { class: "soft" }, t(label)), h("p", { class: "number big", id }, shown),
    h("p", { class: "soft small" }, change === null ? t("ioc.no-before") : t("ioc.change", { change: `${change > 0 ? "+" : ""}${change} %` })));
}

function tile(one) {
  return h("div", { class: `card tile ${lately(one) ? "" : "quiet"}`, "data-market": one.market_id },
    h("p", { class: "number" }, one.name), h("p", { class: "soft small" }, one.ward_name),
    h("p", {}, h("span", { class: "number" }, t("ioc.tile", { payments: Number(one.today?.payments ?? 0) })), " · ", dong(one.today?.amount ?? 0)),
    h("p", { class: "soft small" }, t("ioc.tile.hour", { payments: lately(one) })));
}

/** Payments of the last hour. */
const lately = (one) => one.payments_by_minute.reduce((sum, n) => sum + n, 0);
const byActivity = (a, b) => lately(b) - lately(a) || Number(b.today?.payments ?? 0) - Number(a.today?.payments ?? 0) || a.name.localeCompare(b.name, "vi");
