// Who grew something.

import { get } from "./api.js";

/** "HTX Chè La Bằng · Xã Đại Phúc, Thái Nguyên"; "" where there is no such grower (any more). */
export async function growerOf(enterpriseId) {
  try {
    const { grower } = await get(`/v1/growers/${enterpriseId}`);
    return [grower.name, [grower.ward_name, grower.province_name].filter(Boolean).join(", ")].filter(Boolean).join(" · ");
  } catch (error) {
    if (error.code === "NOT_FOUND") return "";
    throw error;
  }
}
