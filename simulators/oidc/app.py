"""The provider over HTTP: a page that asks who one is, and what OpenID Connect prescribes."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode

from simulators.card.http import Answer, Request, json_answer
from simulators.oidc.provider import CITIZENS, Provider, Refused

_PAGE = (("Content-Type", "text/html; charset=utf-8"),)


class App:
    """Answers requests of `simulators.card.http.serve`."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    async def __call__(self, request: Request) -> Answer:
        try:
            return self._answer(request)
        except Refused as refusal:
            status = 401 if refusal.code == "invalid_client" else 400
            return json_answer(status, {"error": refusal.code, "error_description": str(refusal)})

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "GET", "/healthz":
                return json_answer(200, {"status": "ok"})
            case "GET", "/.well-known/openid-configuration":
                return json_answer(200, self.provider.metadata())
            case "GET", "/jwks.json":
                return json_answer(200, self.provider.jwks())
            case "GET", "/authorize":
                return self._authorize(dict(parse_qsl(request.query)))
            case "POST", "/token":
                form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
                return json_answer(200, self.provider.token(form, request.headers.get("authorization", "")))
            case "POST", "/control/rotate":
                self.provider.rotate()
                return json_answer(200, self.provider.jwks())
        return json_answer(404, {"error": "not_found"})

    def _authorize(self, query: dict[str, str]) -> Answer:
        """Back to who asked, where `login_hint` says who one is; else a page to choose on."""
        if subject := query.pop("login_hint", ""):
            return Answer(302, headers=(("Location", self.provider.authorize(query, subject)),))
        self.provider.check(query)
        links = "".join(
            f'<li><a href="/authorize?{escape(urlencode(query | {"login_hint": subject}))}">{escape(name)}</a></li>'
            for subject, name in CITIZENS.items()
        )
        page = f"<!doctype html><html lang=vi><title>Định danh (mô phỏng)</title><h1>Bạn là ai?</h1><ul>{links}</ul>"
        return Answer(200, page.encode(), _PAGE)
