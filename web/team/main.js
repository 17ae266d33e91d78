// The page of the digital teams and market managers: bringing vendors in, reviewing them, printing, alarms, how far a commune is.

import { run } from "../shared/shell.js";
import { t } from "../shared/strings.js";

run({
  roles: ["team", "market_manager", "operator"],
  title: () => t("app.team"),
  screens: {
    "": () => import("./home.js"),
    draft: () => import("./draft.js"),
    hand: () => import("./hand.js"),
    identify: () => import("./identify.js"),
    reviews: () => import("./reviews.js"),
    review: () => import("./review.js"),
    commune: () => import("./commune.js"),
    market: () => import("./market.js"),
  },
});
