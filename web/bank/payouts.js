// Files of payouts: what waits for operators, and letting it go by two of them.

import { get, post } from "../shared/api.js";
import { button, h, show } from "../shared/dom.js";
import { dong, when } from "../shared/money.js";
import { head, may, refused, withPin } from "../shared/shell.js";
import { t } from "../shared/strings.js";

export async function screen(place) {
  const { batches } = await get("/v1/payout-batches");
  const [said, pin] = [h("div", {}), h("div", {})];
  show(place, head(t("payouts")), h("p", { class: "soft" }, t("payouts.hint")), said, pin,
    batches.length ? batches.map((one) => h("section", { class: "card stack" },
      h("p", { class: "number big" }, dong(one.total)),
      h("p", {}, `№ ${one.window} · ${t("payouts.count", { count: one.payouts })} · ${when(one.made_at)}`),
      h("p", { class: "soft" }, t("payouts.released", { done: one.released_by.length, needed: one.releases_needed })),
      may("operator") ? button(t("payouts.release"), async () => {
        try {
          const path = `/v1/payout-batches/${encodeURIComponent(one.batch_id)}/release`;
          if (await withPin(pin, () => post(path))) await screen(place);
        } catch (error) {
          show(said, refused(error));
        }
      }, { class: "main" }) : null)) : h("p", { class: "card soft" }, t("payouts.none")));
  return null;
}
