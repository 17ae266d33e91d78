// Today's sheet: what came in, what went out, what is not yet paid out.

import { get } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { dong, startOfToday, when } from "../shared/money.js";
import { go, head } from "../shared/shell.js";
import { t, tOf } from "../shared/strings.js";
import { stall } from "./stall.js";

export async function screen(place) {
  const mine = await stall();
  const from = startOfToday().toISOString();
  const path = `/v1/accounts/${mine.merchant_id}/statement`;
  const rows = h("ul", { class: "rows" });
  const sums = h("dl", { class: "card" });
  const more = h("div", {});
  async function page(token) {
    const statement = await get(path, { from, page_size: 50, page_token: token });
    if (!token) {
      show(sums, [["day.opening", "opening_balance"], ["day.in", "total_in"], ["day.out", "total_out"], ["day.balance", "closing_balance"]]
        .map(([name, figure]) => h("div", {}, h("dt", { class: "soft" }, t(name)), h("dd", { class: "number" }, dong(statement[figure])))));
    }
    rows.append(...statement.lines.map((line) => h("li", {},
      h("span", { class: "soft small" }, when(line.at)),
      h("span", { class: "grow" }, line.reference || line.note || tOf("operation", line.operation)),
      h("span", { class: "number" }, `${line.direction === "DIRECTION_OUT" ? "− " : ""}${dong(line.amount)}`))));
    show(more, statement.next_page_token ? button(t("older"), () => page(statement.next_page_token)) : null);
    if (!rows.children.length) rows.append(h("li", { class: "soft" }, t("last.none")));
  }
  show(place, head(t("day")), sums, button(t("evening"), () => go("evening"), { class: "main" }), rows, more,
    h("p", {}, h("a", { class: "button", href: `${path}.csv?from=${encodeURIComponent(from)}`, download: "so-hom-nay.csv" }, t("day.download"))));
  await page("");
  return null;
}
