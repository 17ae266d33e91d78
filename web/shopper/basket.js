// One basket over several stalls, kept on this phone by person until it is ordered. Who only looks has one, too: it is
// theirs once they sign in.

import { get } from "../shared/api.js";
import { user } from "../shared/shell.js";

const PLACE = "cho.basket";
// As a checkout takes them: 10 stalls of 50 goods.
const LINES_MAX = 500;
// One tap more or less of what is weighed, grams.
const STEP_GRAMS = 250;

export const weighed = (product) => Number(product.grams_per_unit) > 0;
const step = (product) => (weighed(product) ? STEP_GRAMS : 1);
const whole = (product) => Number(product.grams_per_unit) || 1;

/** Đồng for a line, rounded half up. */
export const priceOf = ({ product, quantity }) => Math.round((Number(product.price) * quantity) / whole(product));

/** Lines: {product as the API gave it, quantity in pieces or grams}, in the order in which they came. */
export class Basket {
  constructor() {
    this.place = `${PLACE}.${user()?.user_id ?? ""}`;
    // How it is paid and fetched, as far as it was chosen: {hold, deliver}.
    this.how = {};
    this.#read();
    if (user()) this.#takeOver();
  }

  // What was put in before they signed in.
  #takeOver() {
    const before = read(`${PLACE}.`);
    for (const line of before) if (!this.lines.has(line.product.product_id)) this.lines.set(line.product.product_id, line);
    if (before.length) this.#write();
    localStorage.removeItem(`${PLACE}.`);
  }

  get size() {
    return this.lines.size;
  }

  all() {
    return [...this.lines.values()];
  }

  /** First a whole unit, then a step more. */
  add(product) {
    this.#read();
    const there = this.lines.get(product.product_id);
    if (!there && this.size >= LINES_MAX) return;
    this.lines.set(product.product_id, { product, quantity: there ? there.quantity + step(product) : whole(product) });
    this.#write();
  }

  less({ product }) {
    this.#read();
    const quantity = this.lines.get(product.product_id)?.quantity ?? 0;
    if (quantity > step(product)) this.lines.set(product.product_id, { product, quantity: quantity - step(product) });
    else this.lines.delete(product.product_id);
    this.#write();
  }

  clear() {
    this.lines.clear();
    this.#write();
  }

  /** Asks what each costs now: {dearer, cheaper, gone}, products of which something has changed. What is gone is out. */
  async refresh() {
    const changed = { dearer: [], cheaper: [], gone: [] };
    for (const line of this.all()) {
      const now = await known(line.product.product_id);
      this.#read();
      const there = this.lines.get(line.product.product_id);
      if (!there) continue;
      if (!now) this.lines.delete(line.product.product_id);
      else this.lines.set(now.product_id, { ...there, product: now });
      this.#write();
      if (!now) changed.gone.push(line.product);
      else if (Number(now.price) > Number(line.product.price)) changed.dearer.push(now);
      else if (Number(now.price) < Number(line.product.price)) changed.cheaper.push(now);
    }
    return changed;
  }

  // Before each change: another screen, or another tab, may have made one meanwhile.
  #read() {
    this.lines = new Map(read(this.place).map((line) => [line.product.product_id, line]));
  }

  #write() {
    localStorage.setItem(this.place, JSON.stringify(this.all()));
  }
}

async function known(productId) {
  try {
    return (await get(`/v1/products/${productId}`)).product;
  } catch (error) {
    if (error.code === "NOT_FOUND") return null;
    throw error;
  }
}

function read(place) {
  return JSON.parse(localStorage.getItem(place) ?? "[]");
}
