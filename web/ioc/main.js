// The operations centre: one big screen for the markets of a province.

import { run } from "../shared/shell.js";
import { t } from "../shared/strings.js";

run({
  roles: ["operator", "market_manager", "auditor"],
  title: () => t("app.ioc"),
  screens: { "": () => import("./screen.js") },
});
