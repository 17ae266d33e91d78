// Which of the vendor's stalls this phone stands at.

import { get } from "../shared/api.js";

const PLACE = "cho.stall";

/** The stall that was chosen here, or the only one; null where one has to be chosen or there is none. */
export async function stall() {
  const all = await stalls();
  const chosen = localStorage.getItem(PLACE);
  return all.find((one) => one.merchant_id === chosen) ?? (all.length === 1 ? all[0] : null);
}

export async function stalls() {
  return (await get("/v1/me/merchants")).merchants;
}

export function choose(merchantId) {
  localStorage.setItem(PLACE, merchantId);
}
