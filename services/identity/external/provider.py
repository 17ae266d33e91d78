"""The provider as we talk to it: its discovery document and keys, kept a while, and the exchange of a code."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kit import tls
from kit.config import Settings
from kit.errors import ExternalRefused, NotConfigured, Overloaded, Unavailable
from services.identity.external import attempt as attempts
from services.identity.external import idtoken
from services.identity.external.attempt import Attempt

# Discovery and keys are read again after so long; a token of a key that is not known reads them at once, but not more
# often than REREAD_AFTER, whoever sends such tokens.
KEPT = timedelta(minutes=10)
REREAD_AFTER = timedelta(seconds=10)
TIMEOUT_S = 5.0
REPLY_BYTES_MAX = 64 * 1024
# A provider that hangs holds so many of this process's threads.
CALLS_MAX = 4
_SILENT = "the outside provider does not answer; start again later"


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of the provider, and when (UTC)."""

    authorization_endpoint: str
    token_endpoint: str
    says_iss: bool
    keys: KeySet
    key_ids: frozenset[str]
    read_at: datetime


class Provider:
    """One a process. Its methods raise NotConfigured, Unavailable, Overloaded, ExternalRefused."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings, self._now = settings, now
        # One client for good: it keeps connections. It follows no redirect and reads no proxy from the environment.
        self._http = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False, verify=tls.context())
        self._known: Known | None = None
        self._reading, self._failures = threading.Lock(), 0
        self._calls = threading.BoundedSemaphore(CALLS_MAX)

    @property
    def issuer(self) -> str:
        """The configured one, "" where there is none."""
        return self._settings.oidc_issuer

    def authorization_url(self, attempt: Attempt) -> str:
        """Where the browser is sent."""
        endpoint = self._read().authorization_endpoint
        return attempts.authorization_url(
            endpoint, self._settings.oidc_client_id, self._settings.oidc_redirect_uri, attempt
        )

    def subject(self, code: str, iss: str, nonce: str, code_verifier: str) -> str:
        """Who the provider says it is that came back with `code` and, as RFC 9207 has it, `iss`."""
        known = self._read()
        # Before the code goes anywhere: one of another provider's is not ours to show to this one (mix-up).
        if iss != self.issuer and (iss or known.says_iss):
            raise ExternalRefused("came back from another provider")
        id_token = self._exchange(known.token_endpoint, code, code_verifier)
        if idtoken.key_id(id_token) not in known.key_ids:
            known = self._read(REREAD_AFTER)
        return idtoken.subject(id_token, known.keys, self.issuer, self._settings.oidc_client_id, nonce, self._now())

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    def _exchange(self, endpoint: str, code: str, code_verifier: str) -> str:
        client = (self._settings.oidc_client_id, self._settings.oidc_client_secret)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.oidc_redirect_uri,
            "code_verifier": code_verifier,
            **({} if client[1] else {"client_id": client[0]}),
        }
        auth = httpx.BasicAuth(*client) if client[1] else None
        with self._slot():
            status, reply = self._call("POST", endpoint, data=form, auth=auth)
        id_token = reply.get("id_token")
        if status != httpx.codes.OK or not isinstance(id_token, str):
            raise ExternalRefused("the provider does not accept the code: used, expired or not from here")
        return id_token

    def _read(self, kept: timedelta = KEPT) -> Known:
        if not self.issuer:
            raise NotConfigured("no outside provider is configured (CHO_OIDC_ISSUER)")
        if known := self._known_for(kept):
            return known
        failures = self._failures
        # Few wait for a provider that hangs, behind the one who asks it, and all with that one.
        with self._slot(), self._reading:
            if known := self._known_for(kept):
                return known
            if self._failures != failures:
                raise Unavailable(_SILENT)
            try:
                self._known = known = self._discover()
            except BaseException:
                self._failures += 1
                raise
            return known

    def _known_for(self, kept: timedelta) -> Known | None:
        known = self._known
        return known if known is not None and self._now() - known.read_at <= kept else None

    @contextmanager
    def _slot(self) -> Iterator[None]:
        """One of the threads that may wait for the provider at once. Raises Overloaded."""
        if not self._calls.acquire(blocking=False):
            raise Overloaded(f"the outside provider is slow: {CALLS_MAX} sign-ins wait for it")
        try:
            yield
        finally:
            self._calls.release()

    def _discover(self) -> Known:
        _, said = self._call("GET", self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        # Discovery 4.3: whoever answers for another issuer is not this one.
        if said.get("issuer") != self.issuer:
            raise Unavailable("the outside provider describes another issuer")
        authorization, token, jwks_uri = (
            self._endpoint(said, name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        )
        _, jwks = self._call("GET", jwks_uri)
        try:
            keys = KeySet.import_key_set({"keys": [key for key in jwks["keys"] if key.get("kty") in ("EC", "RSA")]})
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unavailable("the outside provider's keys cannot be read") from error
        key_ids = frozenset(str(key.kid or "") for key in keys.keys)
        says_iss = said.get("authorization_response_iss_parameter_supported") is True
        return Known(authorization, token, says_iss, keys, key_ids, self._now())

    def _endpoint(self, said: dict[str, Any], name: str) -> str:
        url = str(said.get(name, ""))
        parts = urlsplit(url)
        if parts.scheme == "https" or (self._settings.env == "local" and _on_loopback(parts.hostname or "")):
            return url
        raise Unavailable(f"the outside provider's {name} is not https")

    def _call(self, method: str, url: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of a reply."""
        try:
            # The client's own limit is of each part of an answer, however many come.
            late = monotonic() + TIMEOUT_S
            with self._http.stream(method, url, **more) as reply:
                body = b""
                for part in reply.iter_bytes():
                    body += part
                    if monotonic() > late:
                        raise Unavailable(_SILENT)
                    if len(body) > REPLY_BYTES_MAX:
                        raise Unavailable("the outside provider says too much")
            said = httpx.Response(reply.status_code, content=body).json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable(_SILENT) from error
        if reply.status_code >= httpx.codes.INTERNAL_SERVER_ERROR or not isinstance(said, dict):
            raise Unavailable(_SILENT)
        return reply.status_code, said


def _on_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
