// One break: both sides, comments, and its resolution by two people.

import { get, post } from "../shared/api.js";
import { button, field, h, show } from "../shared/dom.js";
import { dong, groupWhileTyped, typedAmount, when } from "../shared/money.js";
import { head, may, refused, user, withPin } from "../shared/shell.js";
import { t } from "../shared/strings.js";

export async function screen(place, id) {
  const path = `/v1/breaks/${encodeURIComponent(id)}`;
  const { case: found } = await get(path);
  const [said, pin] = [h("div", {}), h("div", {})];
  /** Does it, and shows the break as it is then. */
  async function act(what, body) {
    try {
      if (await withPin(pin, () => post(`${path}/${what}`, { version: found.version, ...body }))) await screen(place, id);
    } catch (error) {
      show(said, refused(error));
    }
  }
  const facts = found.facts ? JSON.parse(found.facts) : {};
  show(place, head(`${found.type} · ${found.institution}`),
    h("section", { class: "card" },
      h("p", {}, h("span", { class: "soft" }, `${t(`break.${found.state}`)} · `), t("break.days", { days: found.age_days }),
        found.due_on ? ` · ${t("break.due", { day: found.due_on })}` : ""),
      h("p", {}, found.detail),
      h("p", { class: "number" }, `${t("breaks.risk")} ${dong(found.at_risk)}`, Number(found.difference) ? ` · ${t("break.difference")} ${dong(found.difference)}` : ""),
      h("details", {}, h("summary", {}, t("break.facts")), h("pre", {}, JSON.stringify(facts, null, 2)))),
    said, pin,
    may("operator") && ["open", "assigned"].includes(found.state) ? actions(found, act) : null,
    found.state === "proposed" ? proposal(found, act) : null,
    found.state === "approved" ? notPosted(found, act) : null,
    h("h2", {}, t("break.history")),
    h("ul", { class: "rows" }, found.comments.map((one) => h("li", {}, h("span", { class: "soft small" }, when(one.at)),
      h("span", { class: "grow" }, `${one.what}: ${one.text}`), h("span", { class: "soft small" }, one.by.slice(-6))))),
    may("operator", "officer") ? comment(act) : null);
  return null;
}

function comment(act) {
  const text = field(t("break.comment"), { id: "comment", maxlength: 500, required: true });
  return form([text], t("break.comment.do"), () => act("comments", { text: text.querySelector("input").value }));
}

function actions(found, act) {
  const owned = found.owner === user().user_id;
  const [words, debited, credited, amount] = [
    field(t("break.resolution"), { id: "resolution", maxlength: 500, required: true }),
    field(t("break.debited"), { id: "debited" }, t("break.correction.hint")),
    field(t("break.credited"), { id: "credited" }),
    field(t("amount"), { id: "correction", inputmode: "numeric" }),
  ];
  groupWhileTyped(amount.querySelector("input"));
  const value = (one) => one.querySelector("input").value.trim();
  return h("div", { class: "stack" },
    owned ? null : button(t("break.take"), () => act("owner", { owner: user().user_id }), { class: "main" }),
    h("details", { class: "card" }, h("summary", {}, t("break.propose")),
      form([words, debited, credited, amount], t("break.propose.do"), () => act("resolution", {
        resolution: value(words),
        // Filled in by half it is refused, never left out.
        ...([debited, credited, amount].some(value) ? { correction: { debited: value(debited), credited: value(credited), amount: typedAmount(value(amount)) } } : {}),
      }))));
}

function proposal(found, act) {
  const own = found.proposed_by === user().user_id;
  const why = field(t("break.send-back.why"), { id: "why", maxlength: 500 });
  return h("section", { class: "card stack" },
    proposed(found),
    own || !may("operator") ? h("p", { class: "soft" }, t("break.second"))
      : [button(t("break.approve"), () => act("decision", { approve: true }), { class: "main" }), why,
        button(t("break.send-back"), () => act("decision", { approve: false, reason: why.querySelector("input").value }), { class: "danger" })]);
}

/** Decided, and its entry broke off on the way: any operator carries it on, and it is posted once. */
function notPosted(found, act) {
  return h("section", { class: "card stack" }, proposed(found), h("p", { class: "bad" }, t("break.not-posted")),
    may("operator") ? button(t("break.carry-on"), () => act("decision", { approve: true }), { class: "main" }) : null);
}

const proposed = ({ resolution, correction }) => [h("p", {}, resolution),
  correction ? h("p", { class: "number" }, `${correction.debited} → ${correction.credited}: ${dong(correction.amount)}`) : null];

function form(fields, label, work) {
  const made = h("form", { class: "stack" }, fields, h("button", { class: "main" }, label));
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const submit = made.querySelector("button");
    submit.disabled = true;
    await work().finally(() => { submit.disabled = false; });
  });
  return made;
}
