"""A browser's tabs share one refresh token, which works once: each renews in its turn."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway import web

NODE = shutil.which("node")
# Two tabs of one browser: each has its own copy of the module, both have the browser's locks and its one cookie. The
# gateway ends the session of who sends a token that was used, and answers nobody before both tabs have asked for
# something, be it only to be let in.
TABS = """
let token = 1, ended = false, held = Promise.resolve(), asked = 0, both;
const bothAsked = new Promise((resolve) => { both = resolve; });
const asks = () => { asked += 1; if (asked >= 2) both(); };
Object.defineProperty(globalThis, "navigator", {value: {locks: {request(_, ask) {
  asks();
  return held = held.then(ask);
}}}, configurable: true});
globalThis.fetch = async () => {
  const sent = token;
  asks();
  await bothAsked;
  if (sent === token) token += 1; else ended = true;
  return new Response("{}", {status: ended ? 401 : 200});
};
const tabs = await Promise.all(["one", "other"].map((tab) => import(`./api.js?${tab}`)));
const renewed = await Promise.all(tabs.map((tab) => tab.renewed()));
console.log(JSON.stringify({renewed, ended}));
"""


@pytest.mark.skipif(NODE is None, reason="there is no Node here")
def test_two_tabs_that_renew_their_token_at_once_stay_signed_in(tmp_path: Path) -> None:
    for name in ("api.js", "clock.js"):
        shutil.copy(web.ROOT / "shared" / name, tmp_path)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tabs.js").write_text(TABS)
    done = subprocess.run(
        [str(NODE), str(tmp_path / "tabs.js")], check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(done.stdout) == {"renewed": [True, True], "ended": False}
