// The vendor's page: what came in, said aloud; asking for money; giving it back.

import { run } from "../shared/shell.js";
import { t } from "../shared/strings.js";

run({
  roles: ["vendor"],
  title: () => t("app.vendor"),
  // Fetched when they are first gone to.
  screens: {
    "": () => import("./home.js"),
    ask: () => import("./ask.js"),
    qr: () => import("./qr.js"),
    redeem: () => import("./redeem.js"),
    refund: () => import("./refund.js"),
    day: () => import("./day.js"),
    orders: () => import("./orders.js"),
    ratings: () => import("./ratings.js"),
    live: () => import("./live.js"),
    products: () => import("./products.js"),
    sheet: () => import("./sheet.js"),
    evening: () => import("./evening.js"),
  },
});
