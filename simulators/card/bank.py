"""The customer's bank: the page of the 3-D Secure step, at the `next_action` URL of an intent that requires action.

GET shows it; POST of the form `outcome=pass` or `outcome=fail` decides and leads back to the intent's `return_url`. The
URL is as secret as the intent's client secret, which it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from urllib.parse import urlencode

from kit.money import format_vnd
from simulators.card.errors import ApiError
from simulators.card.forms import Params, parse
from simulators.card.http import Answer, Request
from simulators.card.provider import Provider
from simulators.card.store import Object, Store

PATH = re.compile(r"/3ds/(pi_[0-9a-f]+)/([A-Za-z0-9_]{1,200})")

_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
)
_PAGE = """<!doctype html>
<html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Ngân hàng mô phỏng</title>
<style>
body {{ font: 18px sans-serif; max-width: 24em; margin: 3em auto; padding: 0 1em }}
button {{ font: inherit; padding: .6em 1em }}
</style>
<h1>Ngân hàng mô phỏng</h1>
<p>{said}</p>
{form}
</html>
"""
_FORM = """<form method="post">
<button name="outcome" value="pass">Xác nhận thanh toán</button>
<button name="outcome" value="fail">Từ chối</button>
</form>"""


class Bank:
    """`provider` makes one for each change."""

    def __init__(self, store: Store, provider: Callable[[], Provider], changed: Callable[[], None]) -> None:
        self._store = store
        self._provider = provider
        self._changed = changed

    def __call__(self, request: Request) -> Answer:
        """Raises ApiError where the URL is none of ours or the answer is neither pass nor fail."""
        found = PATH.fullmatch(request.path)
        if not found or request.method not in ("GET", "POST"):
            raise ApiError(404, "No such page")
        intent_id, secret = found.groups()
        if request.method == "POST":
            outcome = Params(parse(request.body.decode("latin-1"))).one_of("outcome", ("pass", "fail"), "")
            if not outcome:
                raise ApiError(400, "outcome is pass or fail")
            return self._decide(intent_id, secret, outcome == "pass")
        intent = self._provider().of_customer(intent_id, secret)
        if intent["status"] != "requires_action":
            return _page("Giao dịch này đã được xử lý.")
        return _page(f"Thanh toán {format_vnd(intent['amount'])} cho Chợ 4.0.", _FORM)

    def _decide(self, intent_id: str, secret: str, passed: bool) -> Answer:
        with self._store.transaction():
            provider = self._provider()
            return_url = _return_url(provider.of_customer(intent_id, secret))
            intent = provider.authenticated(intent_id, secret, passed)
        self._changed()
        if not return_url:
            return _page("Xong. Bạn có thể đóng trang này.")
        result = {
            "payment_intent": intent_id,
            "payment_intent_client_secret": secret,
            "redirect_status": "succeeded" if intent["status"] == "succeeded" else "failed",
        }
        location = return_url + ("&" if "?" in return_url else "?") + urlencode(result)
        return Answer(303, b"", (("Location", location), ("Cache-Control", "no-store")))


def _return_url(intent: Object) -> str:
    """ "" where there is none, or the step was taken already."""
    action = intent["next_action"] or {}
    return str(action.get("redirect_to_url", {}).get("return_url") or "")


def _page(said: str, form: str = "") -> Answer:
    return Answer(200, _PAGE.format(said=escape(said), form=form).encode(), _HEADERS)
