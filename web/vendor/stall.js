// Which of the vendor's stalls this phone stands at.

import { get } from "../shared/api.js";

const PLACE = "cho.stall";

/** The stall of `all` that was chosen here, or the only one; null where one has to be chosen or there is none. */
export async function stall(all = stalls()) {
  const mine = await all;
  const chosen = localStorage.getItem(PLACE);
  return mine.find((one) => one.merchant_id === chosen) ?? (mine.length === 1 ? mine[0] : null);
}

export async function stalls() {
  return (await get("/v1/me/merchants")).merchants;
}

export function choose(merchantId) {
  localStorage.setItem(PLACE, merchantId);
}
