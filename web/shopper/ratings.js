// A stall as its buyers see it: how it looks, what they say of it, and what it answers.

import { get } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { row, summary } from "../shared/ratings.js";
import { go, head } from "../shared/shell.js";
import { t } from "../shared/strings.js";
import { knownBy } from "./stall.js";

export async function screen(place, merchantId) {
  const path = `/v1/merchants/${encodeURIComponent(merchantId)}/ratings`;
  const first = await get(path);
  const [looks, rows, more] = [h("div", {}), h("ul", { class: "rows", id: "ratings" }), h("div", {})];
  const add = (found) => {
    rows.append(...found.ratings.map((one) => row(one)));
    show(more, found.next_page_token ? button(t("older"), async () => add(await get(path, { page_token: found.next_page_token }))) : null);
  };
  show(place, head(t("ratings")), looks, h("h2", { class: "name", id: "stall" }, first.merchant_name), summary(first.summary),
    first.ratings.length ? rows : null, more, button(t("market"), () => go("market")));
  add(first);
  knownBy(looks, { merchant_id: merchantId, merchant_name: first.merchant_name });
  return null;
}
