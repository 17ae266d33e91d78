"""Merchants' webhooks: who is told, and what was."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import redis
from cho.payments.v1 import webhooks_pb2 as pb

from kit.clock import now_ms
from kit.config import settings
from kit.errors import InvalidArgument, MerchantNotFound, NotFound, OutcomeUnknown
from kit.rpc.call import Call
from kit.streams import clients
from services.payments import hooks
from services.payments.hooks import Delivery, DeliveryState, HookState, Topic, Webhook, line_id
from services.payments.server.common import id_of, page_limit
from services.payments.server.documents import Documents
from services.payments.store import deliveries
from services.payments.store import webhooks as store
from services.payments.store.ledger import Ledger, after_write

_STATES = {state: getattr(pb, f"WEBHOOK_STATE_{state.name}") for state in HookState}
_STATE_OF = {number: state for state, number in _STATES.items()}
_TOPICS = {topic: getattr(pb, f"WEBHOOK_TOPIC_{topic.name}") for topic in Topic}
_TOPIC_OF = {number: topic for topic, number in _TOPICS.items()}
_DELIVERY_STATES = {state: getattr(pb, f"DELIVERY_STATE_{state.name}") for state in DeliveryState}
_DELIVERY_STATE_OF = {number: state for state, number in _DELIVERY_STATES.items()}
_DELIVERY_ID = re.compile(r"(whk_[0-9a-f]{32})(-goods)?-[0-9]{16}")


class WebhookServicer:
    """See protos/cho/payments/v1/webhooks.proto."""

    def __init__(self, ledger: Ledger, documents: Documents) -> None:
        self._ledger = ledger
        self._stored = documents

    async def CreateWebhook(self, request: pb.CreateWebhookRequest, call: Call) -> pb.CreateWebhookResponse:
        await self._own_merchant(request.merchant_id, call)
        topics = _topics(request.topics) if request.topics else store.PAYMENTS_ALONE
        await self._stored(_check, request.url)
        try:
            made = await self._stored(
                store.create, clients.streams(), request.merchant_id, call.caller.sub, request.url, topics
            )
        except redis.RedisError as error:
            raise OutcomeUnknown("announcements cannot be reached now: look whether it was made") from error
        return pb.CreateWebhookResponse(webhook=_view(made), secret=made.secrets[0])

    async def ListWebhooks(self, request: pb.ListWebhooksRequest, call: Call) -> pb.ListWebhooksResponse:
        await self._own_merchant(request.merchant_id, call)
        found = await self._stored(store.of_merchant, request.merchant_id)
        return pb.ListWebhooksResponse(webhooks=[_view(hook) for hook in found])

    async def SetWebhookState(self, request: pb.SetWebhookStateRequest, call: Call) -> pb.SetWebhookStateResponse:
        state = _STATE_OF.get(request.state)
        if state is None:
            raise InvalidArgument("state is WEBHOOK_STATE_ACTIVE or WEBHOOK_STATE_PAUSED")
        hook = await self._own(request.webhook_id, call)
        if state is HookState.PAUSED:
            await self._stored(store.pause, hook.id)
        else:
            await self._stored(store.go_on, hook.id, call.caller.sub)
        with after_write():
            return pb.SetWebhookStateResponse(webhook=_view(await self._own(hook.id, call)))

    async def SetWebhookTopics(self, request: pb.SetWebhookTopicsRequest, call: Call) -> pb.SetWebhookTopicsResponse:
        topics, hook = _topics(request.topics), await self._own(request.webhook_id, call)
        try:
            await self._stored(store.set_topics, clients.streams(), hook, topics)
        except redis.RedisError as error:
            raise OutcomeUnknown("announcements cannot be reached now: send the same request again") from error
        with after_write():
            return pb.SetWebhookTopicsResponse(webhook=_view(await self._own(hook.id, call)))

    async def RotateWebhookSecret(
        self, request: pb.RotateWebhookSecretRequest, call: Call
    ) -> pb.RotateWebhookSecretResponse:
        hook = await self._own(request.webhook_id, call)
        return pb.RotateWebhookSecretResponse(secret=await self._stored(store.rotate, hook.id))

    async def DeleteWebhook(self, request: pb.DeleteWebhookRequest, call: Call) -> pb.DeleteWebhookResponse:
        hook = await self._own(request.webhook_id, call)
        try:
            await self._stored(store.delete, clients.streams(), hook)
        except redis.RedisError as error:
            raise OutcomeUnknown("announcements cannot be reached now: send the same request again") from error
        return pb.DeleteWebhookResponse()

    async def ListDeliveries(self, request: pb.ListDeliveriesRequest, call: Call) -> pb.ListDeliveriesResponse:
        hook = await self._own(request.webhook_id, call)
        state = _DELIVERY_STATE_OF.get(request.state)
        if (request.state and state is None) or not 0 <= request.before_seq <= deliveries.SEQ_MAX:
            raise InvalidArgument("state is one of a delivery's, before_seq a sequence number")
        topic = _topics([request.topic])[0] if request.topic else next(iter(hook.lines))
        line = line_id(hook.id, topic)
        found = await self._stored(deliveries.page, line, state, request.before_seq, page_limit(request.limit))
        return pb.ListDeliveriesResponse(deliveries=[_delivery_view(one) for one in found])

    async def ResendDelivery(self, request: pb.ResendDeliveryRequest, call: Call) -> pb.ResendDeliveryResponse:
        named = _DELIVERY_ID.fullmatch(request.delivery_id)
        if named is None:
            raise NotFound("there is no such delivery, or it is not yours")
        await self._own(named[1], call)
        await self._stored(deliveries.ask_again, named[1], request.delivery_id)
        found = await self._stored(deliveries.delivery, request.delivery_id)
        if found is None:
            raise NotFound("there is no such delivery, or it is not yours")
        return pb.ResendDeliveryResponse(delivery=_delivery_view(found))

    async def _own_merchant(self, merchant_id: str, call: Call) -> None:
        account = await self._ledger.account(id_of(merchant_id, "mer", "merchant_id", MerchantNotFound))
        if account is None or (account.owner != call.caller.sub and not call.has("operator")):
            raise MerchantNotFound("there is no such merchant, or it is not yours")

    async def _own(self, webhook_id: str, call: Call) -> Webhook:
        found = await self._stored(store.load, id_of(webhook_id, "whk", "webhook_id", NotFound))
        try:
            await self._own_merchant(found.merchant_id if found else "", call)
        except MerchantNotFound as error:
            raise NotFound("there is no such webhook, or it is not yours") from error
        assert found is not None, "nobody's merchant has no id"
        return found


def _topics(named: Sequence[int]) -> list[Topic]:
    """Raises InvalidArgument."""
    topics = [topic for number, topic in _TOPIC_OF.items() if number in named]
    if not topics or len(topics) != len(named):
        raise InvalidArgument("topics are WEBHOOK_TOPIC_PAYMENTS, WEBHOOK_TOPIC_GOODS, one at least, each once")
    return topics


def _check(url: str) -> None:
    """Whether an address may be told. Raises InvalidArgument."""
    local = settings().env == "local"
    try:
        hooks.destination(hooks.check_url(url, local), local)
    except OSError as error:
        raise InvalidArgument("url's host is not found") from error


def _view(hook: Webhook) -> pb.Webhook:
    view = pb.Webhook(
        webhook_id=hook.id, merchant_id=hook.merchant_id, url=hook.url, state=_STATES[hook.state],
        last_status=hook.last_status, last_error=hook.last_error, topics=[_TOPICS[topic] for topic in hook.lines],
    )  # fmt: skip
    view.created_at.FromMilliseconds(hook.created_ms)
    if hook.last_ms:
        view.last_at.FromMilliseconds(hook.last_ms)
    failing = [line for line in hook.lines.values() if line.failing_ms]
    if failing:
        view.failing_since.FromMilliseconds(min(line.failing_ms for line in failing))
        view.next_try_at.FromMilliseconds(max(min(line.due_ms for line in failing), now_ms()))
    return view


def _delivery_view(told: Delivery) -> pb.Delivery:
    view = pb.Delivery(
        delivery_id=told.id, event_id=json.loads(told.body)["id"], type=told.type, seq=told.seq,
        state=_DELIVERY_STATES[told.state], attempts=told.attempts, last_status=told.last_status,
        last_error=told.last_error, resending=told.again,
    )  # fmt: skip
    view.announced_at.FromMilliseconds(told.created_ms)
    if told.delivered_ms:
        view.delivered_at.FromMilliseconds(told.delivered_ms)
    return view
