// One vendor's form, in steps. Whatever is typed is on the phone at once; it is sent when there is a network.

import { get } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { readPicture, scanner } from "../shared/scan.js";
import { go, head, refused } from "../shared/shell.js";
import { language, t } from "../shared/strings.js";
import { readCard } from "./card.js";
import { draft, drop, keep, sync } from "./drafts.js";

const STEPS = ["card", "person", "stall", "account", "check"];
const MARKETS = "cho.markets";
const CATEGORIES = ["5411", "5499", "5812", "5651", "7299"];

export async function screen(place, id, step = "card") {
  const one = draft(id);
  if (!one) {
    go("");
    return null;
  }
  const number = Math.max(0, STEPS.indexOf(step));
  const body = h("div", { class: "stack" });
  const next = button(number === STEPS.length - 2 ? t("draft.check") : t("draft.next"), () => go("draft", id, STEPS[number + 1]), { class: "main" });
  show(place, head(t("draft.step", { step: number + 1, of: STEPS.length, name: t(`draft.${STEPS[number]}`) })),
    h("progress", { max: STEPS.length, value: number + 1, "aria-label": t("draft.progress") }),
    body, number < STEPS.length - 1 ? next : null);
  return { card, person, stall, account, check }[STEPS[number]](body, one);
}

/** A field of the form that writes itself down. */
function kept(id, form, name, label, attributes = {}) {
  const made = field(label, { id: name, value: form[name] ?? "", ...attributes });
  made.querySelector("input").addEventListener("input", (event) => keep(id, { [name]: event.target.value.trim() }));
  return made;
}

function chosen(id, form, name, label, options) {
  const select = h("select", { id: name }, h("option", { value: "" }, "—"), options.map(([value, text]) => h("option", { value }, text)));
  select.value = form[name] ?? "";
  select.addEventListener("change", () => keep(id, { [name]: select.value }));
  return h("div", { class: "field" }, h("label", { for: name }, label), select);
}

function card(body, { form }) {
  const id = form.request_id;
  const [camera, said] = [h("div", {}), h("div", { role: "status" })];
  let stop = () => {};
  function found(text) {
    const read = readCard(text);
    show(camera);
    if (!read) return show(said, h("p", { class: "banner refused" }, t("card.not")));
    keep(id, read);
    show(said, h("p", { class: "banner here" }, t("card.read", { name: read.person_name })));
    return go("draft", id, "person");
  }
  const picture = h("input", { type: "file", accept: "image/*", id: "picture", class: "hidden" });
  picture.addEventListener("change", async () => found(await readPicture(picture.files[0])));
  const pasted = field(t("card.paste"), { id: "pasted", maxlength: 500 });
  show(body, h("p", { class: "soft" }, t("card.hint")), camera, said,
    button(t("card.scan"), () => { stop = scanner(camera, found); }),
    h("label", { for: "picture", class: "button" }, t("scan.picture")), picture,
    pasted, button(t("scan.use"), () => found(pasted.querySelector("input").value)),
    h("p", { class: "hint" }, t("card.by-hand")));
  return () => stop();
}

function person(body, { form }) {
  const id = form.request_id;
  show(body,
    kept(id, form, "person_name", t("person.name"), { maxlength: 100 }),
    kept(id, form, "citizen_id", t("person.citizen-id"), { inputmode: "numeric", maxlength: 12 }),
    kept(id, form, "birth_date", t("person.birth-date"), { type: "date" }),
    chosen(id, form, "sex", t("person.sex"), [["female", t("person.female")], ["male", t("person.male")]]),
    kept(id, form, "address", t("person.address"), { maxlength: 200 }),
    kept(id, form, "citizen_issued", t("person.issued"), { type: "date" }),
    kept(id, form, "phone", t("phone"), { type: "tel", inputmode: "tel", maxlength: 16 }));
  return null;
}

async function stall(body, { form }) {
  const id = form.request_id;
  show(body,
    chosen(id, form, "market_id", t("stall.market"), (await markets()).map((one) => [one.market_id, `${one.name} · ${one.ward_name}`])),
    kept(id, form, "stall", t("stall.number"), { placeholder: "A-12", maxlength: 8 }),
    kept(id, form, "name", t("stall.name"), { maxlength: 100 }),
    chosen(id, form, "category_code", t("stall.category"), CATEGORIES.map((code) => [code, t(`category.${code}`)])),
    chosen(id, form, "enterprise_kind", t("stall.kind"), ["household", "cooperative", "company"].map((kind) => [kind, t(`kind.${kind}`)])),
    kept(id, form, "tax_code", t("stall.tax-code"), { inputmode: "numeric", maxlength: 14 }));
  return null;
}

function account(body, { form }) {
  const id = form.request_id;
  const held = form.settlement_account ?? {};
  const part = (name, label, attributes) => {
    const made = field(label, { id: name, value: held[name] ?? "", ...attributes });
    made.querySelector("input").addEventListener("input", (event) => {
      const now = draft(id).form.settlement_account ?? {};
      keep(id, { settlement_account: { ...now, [name]: event.target.value.trim() } });
    });
    return made;
  };
  show(body,
    part("bank_bin", t("account.bin"), { inputmode: "numeric", maxlength: 6, list: "banks" }),
    h("datalist", { id: "banks" }, BANKS.map(([bin, name]) => h("option", { value: bin }, name))),
    part("account_number", t("account.number"), { maxlength: 19 }),
    part("account_name", t("account.name"), { maxlength: 70, autocapitalize: "characters" }));
  return null;
}

// Banks that vendors have most; any other is typed by its number.
const BANKS = [
  ["970405", "Agribank"], ["970436", "Vietcombank"], ["970415", "VietinBank"], ["970418", "BIDV"], ["970422", "MB"],
  ["970407", "Techcombank"], ["970416", "ACB"], ["970432", "VPBank"], ["970423", "TPBank"], ["970403", "Sacombank"],
];

async function check(body, { form }) {
  const id = form.request_id;
  const said = h("div", {});
  async function send(takeOver = "") {
    try {
      await sync({ takeOver });
    } catch (error) {
      show(said, error.code === "OFFLINE" ? h("p", { class: "banner away" }, t("drafts.offline")) : refused(error));
    }
    draw();
  }
  function draw() {
    const now = draft(id);
    const words = (one) => (language() === "vi" ? one.vi : one.en);
    const ready = !now.changed && !now.conflict && !now.problems.length;
    show(body,
      h("section", { class: "card" }, h("p", { class: "number" }, now.form.person_name), h("p", {}, `${now.form.name ?? ""} · ${now.form.stall ?? ""}`)),
      said,
      now.conflict ? h("section", { class: "card stack" }, h("p", { class: "bad" }, words(now.conflict) || now.conflict.code),
        now.conflict.code === "VENDOR_TAKEN" ? button(t("draft.take-over"), () => send(id), { class: "danger" }) : null) : null,
      now.problems.length ? h("section", { class: "card" }, h("p", { class: "bad" }, t("draft.problems")),
        h("ul", {}, now.problems.map((one) => h("li", { "data-code": one.code }, words(one))))) : null,
      ready ? button(t("draft.confirm"), () => go("hand", id), { class: "main" }) : button(t("drafts.sync"), () => send(), { class: "main" }),
      button(t("draft.drop"), () => { drop(id); go(""); }, { class: "danger" }));
  }
  await send();
  return null;
}

/** The markets, kept on the phone: a hamlet has no network. */
async function markets() {
  try {
    const found = (await get("/v1/markets")).markets;
    localStorage.setItem(MARKETS, JSON.stringify(found));
    return found;
  } catch (error) {
    const known = localStorage.getItem(MARKETS);
    if (!known) throw error;
    return JSON.parse(known);
  }
}
