// A wallet's whole history, in pages.

import { get } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { head } from "../shared/shell.js";
import { t, tOf } from "../shared/strings.js";

export async function screen(place, accountId) {
  const list = h("ul", { class: "rows" });
  const more = h("div", {});
  async function page(token) {
    const path = `/v1/accounts/${accountId}/statement`;
    const { lines, next_page_token: next } = await get(path, { page_size: 30, page_token: token });
    list.append(...lines.map(line));
    if (!list.children.length) list.append(h("li", { class: "soft" }, t("history.none")));
    show(more, next ? button(t("older"), () => page(next)) : null);
  }
  show(place, head(t("history")), list, more);
  await page("");
  return null;
}

function line(one) {
  const out = one.direction === "DIRECTION_OUT" || one.direction === "DIRECTION_HELD";
  return h("li", {},
    h("span", { class: "soft small" }, when(one.at)),
    h("span", { class: "grow" }, one.note || one.reference || tOf("operation", one.operation)),
    h("span", {}, h("span", { class: `number ${out ? "" : "good"}` }, `${out ? "−" : "+"} ${dong(one.amount)}`),
      h("br"), h("span", { class: "soft small number" }, dong(one.balance))));
}
