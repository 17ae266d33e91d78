// The balance and what there is to do; first of all, what is not known yet.

import { get, post } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { unanswered } from "../shared/pay.js";
import { go, head, refused, signOut } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { rows } from "./rows.js";
import { TELECOMS, wallets } from "./wallets.js";

export async function screen(place) {
  await draw(place);
  // Who takes their phone out again sees what is in the wallet then, not what was; what waits for their word stays.
  const look = () => { if (!document.hidden && !place.querySelector("[data-path]")) draw(place); };
  document.addEventListener("visibilitychange", look);
  return () => document.removeEventListener("visibilitychange", look);
}

async function draw(place) {
  const mine = await wallets();
  const recent = h("div", {});
  show(place, head(t("app.shopper"), false), unanswered(() => draw(place)),
    mine.length ? mine.map(card) : opening(place),
    mine.length ? h("div", { class: "stack" },
      button(t("scan"), () => go("scan"), { class: "main" }),
      h("div", { class: "grid" },
        button(t("present"), () => go("present")),
        button(t("send"), () => go("send")),
        button(t("top-up"), () => go("top-up")),
        button(t("market"), () => go("market")),
        button(t("orders"), () => go("orders")),
        button(t("live"), () => go("live")),
        button(t("history"), () => go("history", mine[0].account_id)))) : null,
    recent,
    h("p", { class: "center" }, button(t("sign-out"), signOut, { class: "plain small" })));
  if (mine.length) {
    const { transfers } = await get(`/v1/accounts/${mine[0].account_id}/transfers`, { limit: 5 });
    show(recent, h("h2", {}, t("history")), rows(transfers, mine[0].account_id));
  }
}

function card(wallet) {
  const left = Number(wallet.month_limit) - Number(wallet.month_used);
  return h("section", { class: "card" },
    h("p", { class: "soft" }, `${t("balance")} · ${TELECOMS[wallet.telecom]}`),
    h("p", { class: "number big", "data-wallet": wallet.account_id }, dong(wallet.balance)),
    Number(wallet.month_limit) ? h("p", { class: "soft small" }, t("month.left", { left: dong(left) })) : null);
}

function opening(place) {
  const said = h("div", {});
  return h("section", { class: "card stack" }, h("p", {}, t("wallet.none")), said,
    Object.entries(TELECOMS).map(([telecom, name]) => button(t("wallet.open", { telecom: name }), async () => {
      try {
        await post("/v1/wallets", { telecom });
        await draw(place);
      } catch (error) {
        show(said, refused(error));
      }
    })));
}
