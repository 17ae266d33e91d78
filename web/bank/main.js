// The page of banks, telecoms and operators: windows, who owes whom, files, what does not match, what is paid out.

import { run } from "../shared/shell.js";
import { t } from "../shared/strings.js";

run({
  roles: ["officer", "operator", "auditor"],
  title: () => t("app.bank"),
  screens: {
    "": () => import("./windows.js"),
    window: () => import("./window.js"),
    proof: () => import("./proof.js"),
    breaks: () => import("./breaks.js"),
    break: () => import("./break.js"),
    files: () => import("./files.js"),
    payouts: () => import("./payouts.js"),
  },
});
