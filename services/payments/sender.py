"""Tells merchants' own systems of what was announced: in order for each webhook and topic, at least once.

Runs in the worker, one process at a time. While the next delivery of a topic fails, those behind it wait; those of
its other topic and of other webhooks do not. A process that is killed leaves at most one answer unheard: that
delivery is sent again, under its id.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cache

import eventlet
import httpx
import redis
from mongoengine.connection import ConnectionFailure
from prometheus_client import Counter, Gauge
from pymongo.errors import PyMongoError

from kit import log, tls, tracing
from kit.clock import now_ms
from kit.config import settings
from kit.errors import InvalidArgument
from kit.streams import clients
from kit.streams.lease import Lease
from services.payments import hooks
from services.payments.hooks import Delivery, HookState, Topic, Webhook, line_id
from services.payments.store import deliveries, goods
from services.payments.store import webhooks as store
from services.payments.store.keys import keys
from services.payments.store.sync import SyncLedger

LEASE = "payments:webhooks:lease"
# Lines told at once; each tells so many in a row, or for so long, before it looks whose it is again.
AT_ONCE_MAX, IN_A_ROW_MAX, TURN_S_MAX = 16, 100, 10.0
# Of these of one merchant: whose receivers are slow keeps places for the others.
OF_A_MERCHANT_MAX = AT_ONCE_MAX // 4
OUT_OF_REACH = (redis.RedisError, PyMongoError, ConnectionFailure)

TOLD = Counter("cho_webhook_tries_total", "Tries to tell a webhook, by how they ended.", ["outcome"])
DEAD = Counter("cho_webhook_dead_total", "Deliveries that nobody took in time.")
FAILING = Gauge("cho_webhooks_failing", "Active webhooks whose last try failed.")

_logger = log.logger(__name__)


class Sender:
    """`tick` begins what is due; each topic of a webhook is told in a thread of its own."""

    def __init__(
        self,
        client: redis.Redis,
        lease: Lease,
        *,
        local: bool,
        owner_of: Callable[[str], str],
        lookup: Callable[[str, int], list[str]] = hooks.resolve,
        now: Callable[[], int] = now_ms,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._client = client
        self._lease = lease
        self._local = local
        self._lookup = lookup
        self._now = now
        self._trust = trust
        self._owner_of = owner_of
        # By merchant and line.
        self._busy: dict[tuple[str, str], threading.Thread] = {}
        # The number of a line's last turn: who waited longest is next.
        self._turns: dict[str, int] = defaultdict(int)
        self._turn = 0
        # Lines as they were when their last turn ended, and whether it left something to tell.
        self._left: dict[str, tuple[int, int, bool]] = {}

    def tick(self) -> None:
        """Never raises for an engine out of reach: the next tick goes on."""
        try:
            if not self._lease.acquire():
                return
            found = store.every()
            store.keep_hooked(self._client, found)
            store.let_go(self._client, found)
            found = self._collect([hook for hook in found if self._still_owned(hook)])
            active = [hook for hook in found if hook.state is HookState.ACTIVE]
            FAILING.set(sum(1 for hook in active if any(line.failing_ms for line in hook.lines.values())))
            lines = [(hook, topic) for hook in found for topic in hook.lines]
            for hook, topic in sorted(lines, key=lambda one: self._turns[line_id(one[0].id, one[1])]):
                self._begin(hook, topic)
        except OUT_OF_REACH as error:
            _logger.warning("webhooks wait", reason=f"{type(error).__name__}: {error}")

    def wait(self) -> None:
        """Until whoever is being told has been."""
        for thread in list(self._busy.values()):
            thread.join()

    def _still_owned(self, hook: Webhook) -> bool:
        """Whether the merchant is still theirs who made it: another's payments are not their business."""
        if self._owner_of(hook.merchant_id) == hook.owner_id:
            return True
        if hook.state is HookState.ACTIVE:
            _logger.warning("webhook paused: the merchant is another's now", webhook=hook.id)
            store.pause(hook.id, "the merchant has another owner now")
        return False

    def _collect(self, found: list[Webhook]) -> list[Webhook]:
        """The same webhooks, with what was announced made their deliveries."""
        of: dict[str, list[Webhook]] = defaultdict(list)
        for merchant_id in {hook.merchant_id for hook in found if Topic.GOODS in hook.lines}:
            goods.gather(self._client, merchant_id, self._now())
        for hook in found:
            for topic in hook.lines:
                hook = deliveries.collect(self._client, hook, topic)
            of[hook.merchant_id].append(hook)
        for merchant_id, theirs in of.items():
            deliveries.trim(self._client, merchant_id, theirs)
        return [hook for theirs in of.values() for hook in theirs]

    def _begin(self, hook: Webhook, topic: Topic) -> None:
        key, line = line_id(hook.id, topic), hook.lines[topic]
        place, busy = (hook.merchant_id, key), list(self._busy)
        if place in busy or len(busy) >= AT_ONCE_MAX:
            return
        if sum(merchant_id == hook.merchant_id for merchant_id, _ in busy) >= OF_A_MERCHANT_MAX:
            return
        cursor, woken, something = self._left.get(key, (-1, -1, True))
        if (cursor, woken) == (line.cursor, hook.woken) and (not something or line.due_ms > self._now()):
            return
        thread = threading.Thread(target=self._take_turn, args=(hook, topic), name=key, daemon=True)
        self._busy[place] = thread
        self._turn += 1
        self._turns[key] = self._turn
        thread.start()

    def _take_turn(self, hook: Webhook, topic: Topic) -> None:
        key, something = line_id(hook.id, topic), True
        try:
            something = self.tell(hook, topic)
        except OUT_OF_REACH as error:
            _logger.warning("a webhook waits", webhook=hook.id, reason=f"{type(error).__name__}: {error}")
        except Exception:
            _logger.exception("a webhook's turn broke off", webhook=hook.id)
        finally:
            self._left[key] = (hook.lines[topic].cursor, hook.woken, something)
            self._busy.pop((hook.merchant_id, key), None)

    def tell(self, hook: Webhook, topic: Topic) -> bool:
        """What was asked to be sent once more, then what waits, in order, while it is taken. Whether some is left."""
        key = line_id(hook.id, topic)
        until = time.monotonic() + TURN_S_MAX
        for told in deliveries.to_resend(key, IN_A_ROW_MAX):
            status, error = self._send(hook, told)
            deliveries.note_delivery(told, status, error, self._now())
            if time.monotonic() >= until or not self._lease.held():
                return True
        now: Webhook | None = hook
        while now and self._may_tell(now, topic) and time.monotonic() < until:
            waiting = deliveries.waiting(key, IN_A_ROW_MAX)
            if not waiting or not self._lease.held():
                return bool(waiting)
            for told in waiting:
                status, error = self._send(now, told)
                # The delivery first: a process that dies between the two does not send it again.
                deliveries.note_delivery(told, status, error, self._now())
                if not 200 <= status < 300:
                    self._failed(now, topic, status, error)
                    return True
                if time.monotonic() >= until or not self._lease.held():
                    break
            now = store.note_try(now, topic, status, error, self._now())
        return now is not None and now.state is HookState.ACTIVE and topic in now.lines

    def _may_tell(self, hook: Webhook, topic: Topic) -> bool:
        line = hook.lines.get(topic)
        return line is not None and hook.state is HookState.ACTIVE and line.due_ms <= self._now()

    def _failed(self, hook: Webhook, topic: Topic, status: int, error: str) -> None:
        at_ms = self._now()
        if status == hooks.GONE:
            _logger.warning("webhook paused: its receiver is gone", webhook=hook.id)
            store.pause(hook.id, "410 Gone")
        store.note_try(hook, topic, status, error or ("410 Gone" if status == hooks.GONE else ""), at_ms)
        while True:
            waiting = deliveries.waiting(line_id(hook.id, topic), IN_A_ROW_MAX)
            late = [one for one in waiting if at_ms >= one.created_ms + hooks.DEAD_MS]
            for told in late:
                deliveries.bury(told, at_ms)
                DEAD.inc()
                _logger.error("nobody took a delivery in time", webhook=hook.id, delivery=told.id)
            if len(late) < IN_A_ROW_MAX:
                return

    def _send(self, hook: Webhook, told: Delivery) -> tuple[int, str]:
        """(HTTP status, "") of a try, or (0, why there is none)."""
        about: dict[str, str | int] = {"delivery": told.id, "attempt": told.attempts + 1}
        with tracing.followed(f"webhook {told.type}", told.traceparent, tracing.Kind.CLIENT, **about) as step:
            status, error = self._try(hook, told, step.traceparent)
            good = 200 <= status < 300
            step.code = "OK" if good else f"HTTP {status}" if status else "NO_ANSWER"
        TOLD.labels("delivered" if good else "failed").inc()
        return status, error

    def _try(self, hook: Webhook, told: Delivery, traceparent: str) -> tuple[int, str]:
        # httpx bounds each read, and a receiver may always say a little more. Outside of a worker no time is up here.
        limit = eventlet.Timeout(hooks.ANSWER_S_MAX)
        try:
            status, error = self._post(hook, told, traceparent), ""
        except eventlet.Timeout as over:
            if over is not limit:
                raise
            status, error = 0, f"no answer within {limit.seconds:g} s"
        except InvalidArgument as refused:
            status, error = 0, refused.message
        except (httpx.HTTPError, OSError) as failed:
            status, error = 0, f"{type(failed).__name__}: {failed}"[:200]
        finally:
            limit.cancel()
        return status, error

    def _post(self, hook: Webhook, told: Delivery, traceparent: str) -> int:
        parts = hooks.check_url(hook.url, self._local)
        address, port = hooks.destination(parts, self._local, self._lookup)
        host = f"[{address}]" if ":" in address else address
        path = parts.path or "/"
        target = f"{parts.scheme}://{host}:{port}{path}" + (f"?{parts.query}" if parts.query else "")
        headers = {
            "host": parts.netloc,
            "content-type": "application/json",
            "user-agent": "cho-webhooks/1",
            "cho-delivery": told.id,
            "cho-event": told.type,
            "cho-signature": hooks.signature(told.body, hook.secrets, self._now() // 1000),
            **({"traceparent": traceparent} if traceparent else {}),
        }
        # The certificate is the name's, though the address is what is connected to.
        extensions = {"sni_hostname": parts.hostname}
        trusted = (self._trust or tls.context()) if parts.scheme == "https" else False
        with (
            httpx.Client(timeout=hooks.ANSWER_S_MAX, verify=trusted, trust_env=False) as http,
            http.stream("POST", target, content=told.body, headers=headers, extensions=extensions) as answer,
        ):
            return answer.status_code


@cache
def of_this_process() -> Sender:
    """The worker's own."""
    client = clients.streams()
    ledger = SyncLedger(clients.ledger(), keys())
    return Sender(
        client,
        Lease(client, LEASE),
        local=settings().env == "local",
        owner_of=lambda merchant: ledger.holder(merchant)[0],
    )
