// The balance and what there is to do; first of all, what is not known yet.

import { get, post } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { dong } from "../shared/money.js";
import { findOut, pending } from "../shared/once.js";
import { outcome } from "../shared/pay.js";
import { go, head, refused, signOut } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { rows } from "./rows.js";
import { TELECOMS, wallets } from "./wallets.js";

export async function screen(place) {
  const mine = await wallets();
  const unknown = h("div", {});
  const recent = h("div", {});
  show(place, head(t("app.shopper"), false), unknown,
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
  show(unknown, pending().map((one) => notKnown(one, () => screen(place))));
  if (mine.length) {
    const { transfers } = await get(`/v1/accounts/${mine[0].account_id}/transfers`, { limit: 5 });
    show(recent, h("h2", {}, t("history")), rows(transfers, mine[0].account_id));
  }
  return null;
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
        await screen(place);
      } catch (error) {
        show(said, refused(error));
      }
    })));
}

/** What was sent and not answered: how it ended is asked, and nothing is sent again. */
function notKnown(intention, then) {
  const said = h("div", {});
  return h("section", { class: "card" },
    h("p", { class: "bad" }, t("pay.pending")),
    h("p", { class: "number" }, dong(intention.about.amount), " ", h("span", { class: "soft" }, intention.about.name ?? "")), said,
    button(t("pay.find-out"), async () => {
      try {
        show(said, outcome(await findOut(intention)), button(t("done"), then));
      } catch (error) {
        show(said, refused(error));
      }
    }, { class: "main" }));
}
