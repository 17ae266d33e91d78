// Where the markets are, by the middle of their commune: the larger the circle, the more was paid today.

import { ApiError, get } from "../shared/api.js";
import { h, show } from "../shared/dom.js";
import { t } from "../shared/strings.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 900;
const MARGIN = 40;
// Circles, in the picture's units; markets of one commune stand in a ring around its middle.
const [RADIUS_MIN, RADIUS_MAX, RING] = [6, 26, 16];
// Provinces whose communes are drawn as dots, so that the land is seen.
const PROVINCES_MAX = 3;
// What a name takes, and how much land is shown around the outermost markets.
const [NAME, LINE, AROUND] = [120, 16, 0.15];

/** The communes around these markets, which do not move; none where they cannot be had now. */
export async function land(markets) {
  try {
    return await communes(markets);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [];
  }
}

async function communes(markets) {
  const codes = [...new Set(markets.filter(placed).map((one) => one.ward_code))];
  const provinces = new Set();
  for (const code of codes) {
    if (provinces.size >= PROVINCES_MAX) break;
    provinces.add((await get(`/v1/places/wards/${code}`)).ward.province_code);
  }
  const asked = await Promise.all([...provinces].map((code) => get(`/v1/places/provinces/${code}/wards`)));
  return asked.flatMap((told) => told.wards);
}

/** `before`: payments of each market when it was drawn last; those that have more since are seen to beat. */
export function map(place, markets, wards, before) {
  const drawn = markets.filter(placed);
  if (!drawn.length) return show(place, h("h2", {}, t("map")), h("p", { class: "soft" }, t("map.none")));
  const at = projection(drawn);
  const most = Math.max(1, ...drawn.map(today));
  const svg = make("svg", { viewBox: `0 0 ${WIDTH} ${at.height}`, role: "img", "aria-label": t("map.said", { drawn: drawn.length, all: markets.length }), class: "map" });
  svg.append(...wards.map(at).filter(([x, y]) => x > 0 && x < WIDTH && y > 0 && y < at.height).map((point) => make("circle", { class: "land", r: 3, ...xy(point) })));
  const named = [];
  for (const [one, point] of spread([...drawn].sort((a, b) => today(b) - today(a)), at)) {
    const radius = RADIUS_MIN + (RADIUS_MAX - RADIUS_MIN) * Math.sqrt(today(one) / most);
    const beats = before.has(one.market_id) && today(one) > before.get(one.market_id);
    const circle = make("circle", { class: `market ${lately(one) ? "" : "quiet"} ${beats ? "beats" : ""}`, r: radius, ...xy(point), "data-market": one.market_id });
    circle.append(make("title", {}, t("map.market", { name: one.name, ward: one.ward_name, payments: today(one) })));
    svg.append(circle);
    const [x, y] = [point[0] + radius + 4, point[1] + 5];
    // The busier one's name is written where two would stand upon each other.
    if (!named.some(([a, b]) => Math.abs(b - y) < LINE && Math.abs(a - x) < NAME)) {
      named.push([x, y]);
      svg.append(make("text", { x, y }, one.name));
    }
    before.set(one.market_id, today(one));
  }
  show(place, h("h2", {}, t("map")), svg, h("p", { class: "soft small" }, t("map.said", { drawn: drawn.length, all: markets.length })));
}

/** Degrees to the picture: north is up, a degree east is as much shorter as it is there. */
function projection(points) {
  const [south, north] = span(points.map((one) => one.latitude));
  const [west, east] = span(points.map((one) => one.longitude));
  const narrow = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const scale = (WIDTH - 2 * MARGIN) / Math.max((east - west) * narrow, (north - south) / 1.2);
  const aside = (WIDTH - (east - west) * narrow * scale) / 2;
  const project = (one) => [aside + (one.longitude - west) * narrow * scale, MARGIN + (north - one.latitude) * scale];
  project.height = Math.ceil((north - south) * scale + 2 * MARGIN);
  return project;
}

/** Each market and its point: several of one commune beside each other. */
function spread(markets, at) {
  const groups = Map.groupBy ? Map.groupBy(markets, (one) => one.ward_code) : grouped(markets);
  return [...groups.values()].flatMap((group) => group.map((one, i) => {
    const [x, y] = at(one);
    const turn = (2 * Math.PI * i) / group.length;
    return [one, group.length === 1 ? [x, y] : [x + RING * Math.cos(turn), y + RING * Math.sin(turn)]];
  }));
}

function grouped(markets) {
  const groups = new Map();
  for (const one of markets) groups.set(one.ward_code, [...(groups.get(one.ward_code) ?? []), one]);
  return groups;
}

/** The lowest and highest, and some land around them; degrees. */
function span(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const around = Math.max(0.03, (high - low) * AROUND);
  return [low - around, high + around];
}

function make(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

const xy = ([cx, cy]) => ({ cx, cy });
const placed = (one) => one.latitude || one.longitude;
const today = (one) => Number(one.today?.payments ?? 0);
const lately = (one) => one.payments_by_minute.some((n) => n > 0);
