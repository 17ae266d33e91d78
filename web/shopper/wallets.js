// The caller's wallets, and which one pays.

import { get } from "../shared/api.js";
import { button, h } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { go } from "../shared/shell.js";
import { t } from "../shared/strings.js";

const PLACE = "cho.wallet";

export const TELECOMS = { TELECOM_VIETTEL: "Viettel", TELECOM_VNPT: "VNPT", TELECOM_MOBIFONE: "MobiFone" };

/** The one that pays first: chosen here, or else with the most money. */
export async function wallets() {
  const { accounts } = await get("/v1/me/accounts");
  const mine = accounts.filter((one) => one.kind === "ACCOUNT_KIND_WALLET" && one.state === "ACCOUNT_STATE_OPEN");
  const chosen = localStorage.getItem(PLACE);
  return mine.sort((a, b) => (b.account_id === chosen) - (a.account_id === chosen) || Number(b.balance) - Number(a.balance));
}

/** A choice among several; nothing to choose among one, and where there is none, how to come by one. */
export function choice(mine) {
  if (!mine.length) {
    const none = h("div", { class: "card stack" }, h("p", {}, t("wallet.none")), button(t("home"), () => go("")));
    return { shown: none, chosen: () => undefined };
  }
  const select = h("select", { id: "wallet" },
    mine.map((one) => h("option", { value: one.account_id }, `${TELECOMS[one.telecom]} · ${dong(one.balance)}`)));
  select.addEventListener("change", () => localStorage.setItem(PLACE, select.value));
  const shown = h("div", { class: "field" }, h("label", { for: "wallet" }, t("wallet.choose")), select);
  shown.hidden = mine.length < 2;
  return { shown, chosen: () => select.value };
}
