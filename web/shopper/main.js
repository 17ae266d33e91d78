// The shopper's page: what is in the wallet, paying by code, sending, topping up, the market.

import { run } from "../shared/shell.js";
import { t } from "../shared/strings.js";

// Other sales floors link to a product by its id (docs/feeds.md).
const wanted = new URLSearchParams(location.search).get("product");
if (wanted) history.replaceState(null, "", `${location.pathname}#/product/${encodeURIComponent(wanted)}`);

run({
  roles: ["shopper"],
  title: () => t("app.shopper"),
  // Fetched when they are first gone to.
  screens: {
    "": () => import("./home.js"),
    scan: () => import("./scan.js"),
    pay: () => import("./pay.js"),
    history: () => import("./history.js"),
    send: () => import("./send.js"),
    present: () => import("./present.js"),
    "top-up": () => import("./topup.js"),
    market: () => import("./market.js"),
    product: () => import("./product.js"),
    stall: () => import("./ratings.js"),
    orders: () => import("./orders.js"),
    live: () => import("./live.js"),
  },
  open: ["market", "product", "stall"],
});
