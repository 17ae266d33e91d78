// What the stall sells: prices and what is left, said in two taps; new goods, and what is hidden or taken off for good.

import { call, get, newKey, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong, groupWhileTyped, grouped, typedAmount, WHOLE } from "../shared/money.js";
import { weight } from "../shared/order.js";
import { photoIn } from "../shared/photo.js";
import { go, head, refused } from "../shared/shell.js";
import { language, t } from "../shared/strings.js";
import { lots } from "./lots.js";
import { stall } from "./stall.js";

const PAGE = 50;
const NEW = "new";
const DRAFT = "draft";

export async function screen(place, productId) {
  const mine = await stall();
  if (productId === NEW) return edit(place, mine, null);
  if (productId) return edit(place, mine, await known(mine, productId));
  return list(place, mine);
}

async function list(place, mine) {
  const rows = h("ul", { class: "rows", id: "products" });
  const more = h("div", {});
  async function look(token = "") {
    const found = await get(`/v1/merchants/${mine.merchant_id}/products`, { page_size: PAGE, page_token: token });
    rows.append(...found.products.map(row));
    show(more, found.next_page_token ? button(t("older"), () => look(found.next_page_token)) : null);
  }
  await look();
  show(place, head(t("products")), button(t("products.add"), () => go("products", NEW), { class: "main" }),
    button(t("sheet"), () => go("sheet")),
    rows.children.length ? rows : h("p", { class: "card soft" }, t("products.none")), more);
  return null;
}

function row(one) {
  const gone = !Number(one.available);
  const left = Number(one.grams_per_unit) ? weight(one.available) : `${one.available} ${one.unit}`;
  return h("li", { "data-product": one.product_id },
    h("span", { class: "grow" }, h("span", { class: "number" }, one.name), h("br"),
      h("span", { class: gone ? "bad small" : "soft small" }, gone ? t("product.gone") : t("product.left-now", { left })),
      one.state === "PRODUCT_STATE_PUBLISHED" ? null : h("span", { class: "bad small" }, ` · ${t(`product.${one.state}`)}`)),
    button(`${dong(one.price)}/${one.unit}`, () => go("products", one.product_id), { "aria-label": t("products.change", { name: one.name }) }));
}

/** One of the stall's own, in whatever state. Throws ApiError NOT_FOUND. */
async function known(mine, productId) {
  let token = "";
  do {
    const found = await get(`/v1/merchants/${mine.merchant_id}/products`, { page_size: 100, page_token: token });
    const one = found.products.find((product) => product.product_id === productId);
    if (one) return one;
    token = found.next_page_token;
  } while (token);
  return (await get(`/v1/products/${productId}`)).product;
}

/** `one`: null for a new product. */
async function edit(place, mine, one) {
  const vocabulary = await get("/v1/catalog/vocabulary");
  const said = h("div", {});
  const name = field(t("product.name"), { id: "name", maxlength: 120, required: true, value: one?.name ?? "" });
  const price = field(t("product.price"), { id: "price", inputmode: "numeric", class: "amount", required: true, maxlength: 15, value: one ? grouped(one.price) : "" });
  const stock = field(t("product.left"), { id: "stock", inputmode: "numeric", pattern: WHOLE, required: true, maxlength: 12, value: one ? String(one.stock) : "" });
  const category = select("category", t("product.category"), [["", "—"], ...vocabulary.categories.map((it) => [it.code, language() === "vi" ? it.name_vi : it.name_en])], one?.category ?? "");
  const unit = select("unit", t("product.unit"), vocabulary.units.map((it) => [it.unit, it.unit]), one?.unit ?? "kg");
  unit.querySelector("select").disabled = one !== null;
  groupWhileTyped(price.querySelector("input"));
  // One tap twice lists one product: its request keeps its id until the form is left.
  const requestId = newKey();
  // A change keeps its own until it is another: counted stock is not counted again because an answer was lost.
  let asked = {};
  const value = (within) => within.querySelector("input, select").value;
  const form = h("form", { class: "stack" }, name, h("div", { class: "two" }, price, unit), stock, category, said,
    h("button", { class: "main" }, t(one ? "product.save" : "product.publish")),
    one ? null : h("button", { value: DRAFT }, t("product.keep")));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const draft = event.submitter?.value === DRAFT;
    const body = { name: value(name), price: typedAmount(value(price)), stock: typedAmount(value(stock)), category: value(category) };
    const text = JSON.stringify(body);
    if (asked.text !== text) asked = { text, id: newKey() };
    await saved(form, said, () => (one
      ? change(one, body, asked.id)
      : post("/v1/products", { ...body, draft, unit: value(unit), merchant_id: mine.merchant_id, request_id: requestId })));
  });
  show(place, head(t(one ? "product" : "products.add")), form, one ? photos(one) : null, one ? lots(one, mine) : null, one ? states(one, said) : null);
  return null;
}

/** Only what is another: the stock that is shown is whole units, and saying it again would throw half a kilo away. */
async function change(one, body, requestId) {
  const changed = Object.fromEntries(Object.entries(body).filter(([what, now]) => String(now) !== String(one[what])));
  if (Object.keys(changed).length) await call("PATCH", `/v1/products/${one.product_id}`, { ...changed, request_id: requestId });
}

async function saved(form, said, work) {
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((one) => { one.disabled = true; });
  try {
    await work();
    go("products");
  } catch (error) {
    show(said, refused(error));
    buttons.forEach((one) => { one.disabled = false; });
  }
}

/** Hidden and shown again; taken off for good only after it was asked whether that is meant. */
function states(one, said) {
  const to = (state, label, attributes = {}) => button(t(label), async () => {
    try {
      await call("PATCH", `/v1/products/${one.product_id}`, { state });
      go("products");
    } catch (error) {
      show(said, refused(error));
    }
  }, attributes);
  if (one.state === "PRODUCT_STATE_WITHDRAWN") return h("p", { class: "soft" }, t("product.PRODUCT_STATE_WITHDRAWN"));
  const asked = h("div", {});
  return h("section", { class: "stack" },
    one.state === "PRODUCT_STATE_PUBLISHED" ? to("PRODUCT_STATE_HIDDEN", "product.hide") : to("PRODUCT_STATE_PUBLISHED", one.state === "PRODUCT_STATE_DRAFT" ? "product.publish" : "product.show", one.state === "PRODUCT_STATE_DRAFT" ? { class: "main" } : {}),
    button(t("product.withdraw"), () => show(asked, h("p", { class: "banner away" }, t("product.withdraw.sure")), to("PRODUCT_STATE_WITHDRAWN", "product.withdraw.yes", { class: "danger" })), { class: "plain" }),
    asked);
}

/** A photo is sent as the camera made it, made smaller here where it is too large. */
function photos(one) {
  const said = h("div", {});
  const shown = h("div", { class: "photos" });
  let all = one.photos;
  const draw = () => show(shown, all.map((address) => h("figure", {}, h("img", { src: address, alt: one.name, loading: "lazy" }),
    button(t("photo.remove"), async () => {
      try {
        await call("DELETE", address);
        all = all.filter((other) => other !== address);
        draw();
        show(said);
      } catch (error) {
        show(said, refused(error));
      }
    }, { class: "plain small" }))));
  const input = h("input", { type: "file", accept: "image/*", capture: "environment", id: "photo" });
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    show(said, h("p", { class: "banner here" }, t("photo.sending")));
    try {
      const { address } = await post(`/v1/products/${one.product_id}/photos`, { content: await photoIn(file) });
      all = all.includes(address) ? all : [...all, address];
      draw();
      show(said);
    } catch (error) {
      show(said, refused(error));
    }
    input.value = "";
  });
  draw();
  return h("section", { class: "stack" }, h("label", { for: "photo" }, t("photo.add")), input, shown, said);
}

function select(id, label, options, chosen) {
  const made = h("select", { id }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
  return h("div", { class: "field" }, h("label", { for: id }, label), made);
}
