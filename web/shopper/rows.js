// Transfers as rows, seen by one account.

import { h } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { t, tOf } from "../shared/strings.js";

export function rows(transfers, accountId) {
  if (!transfers.length) return h("p", { class: "soft" }, t("history.none"));
  return h("ul", { class: "rows" }, transfers.map((one) => row(one, accountId)));
}

function row(one, accountId) {
  const out = one.from_account_id === accountId;
  return h("li", { "data-id": one.transfer_id },
    h("span", { class: "soft small" }, when(one.at)),
    h("span", { class: "grow" }, tOf("kind", one.kind),
      one.note || one.reference ? h("span", { class: "soft small" }, ` · ${one.note || one.reference}`) : null,
      one.state === "TRANSFER_STATE_HELD" ? h("span", { class: "bad small" }, ` · ${t("kind.TRANSFER_KIND_HOLD")}`) : null),
    h("span", { class: `number ${out ? "" : "good"}` }, `${out ? "−" : "+"} ${dong(one.amount)}`));
}
