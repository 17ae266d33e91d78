"""A shopper without HTTP: calls the payments service by gRPC, directly, as another service would.

grpc and gevent share a process by `grpc.experimental.gevent`; it is set up in the load process itself, since what grpc
starts does not survive Locust's fork.
"""

from __future__ import annotations

import random
import time
from typing import Any

import gevent
from locust import task
from locust.exception import StopUser

from kit.ids import new_key
from loadtests.record import DONE, PAY, Asked, now_ms
from loadtests.users.base import AGAIN_S, CONFIG, DAY, RECORD, SHED_S_MAX, Counted
from loadtests.users.shopper import PLACES, PRICES, STALLS

DEADLINE_S = 10.0
# What does not say what became of the payment: it is asked for after the run.
INDEFINITE = frozenset({"OUTCOME_UNKNOWN", "INTERNAL", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"})

_channel: Any = None


def _stub() -> Any:
    """One channel a process."""
    global _channel
    import grpc
    from cho.payments.v1 import payments_pb2_grpc

    if _channel is None:
        import grpc.experimental.gevent as grpc_gevent

        grpc_gevent.init_gevent()
        _channel = grpc.insecure_channel(CONFIG.grpc)
    return payments_pb2_grpc.PaymentsServiceStub(_channel)


class RpcShopper(Counted):
    """Claims to be a shopper as the gateway would, with the secret of this run's own stack."""

    weight = 1

    def wait_time(self) -> float:
        """As other shoppers."""
        return random.uniform(0.1, 0.6)

    def on_start(self) -> None:
        """Takes a wallet."""
        self.number, self.who = PLACES.take()
        self.stub, self.balance, self.certain = _stub(), -1, True
        self.metadata = (("x-cho-edge", CONFIG.edge), ("x-cho-sub", self.who.user_id), ("x-cho-roles", "shopper"))

    def on_stop(self) -> None:
        """Leaves the wallet to the next."""
        if self.certain:
            PLACES.give_back(self.number)

    @task
    def buy(self) -> None:
        """Pays a stall."""
        import grpc
        from cho.payments.v1 import payments_pb2 as pb

        from kit.rpc.status import error_code

        stall, key, amount = DAY.stalls[STALLS.one(random)], new_key(), random.choice(PRICES)  # type: ignore[arg-type]
        asked = pb.PayRequest(
            idempotency_key=key, wallet_id=self.who.account_id, qr_payload=stall.qr_payload, amount=amount
        )
        RECORD.sent(Asked(key, PAY, self.who.phone, self.who.account_id, stall.merchant_id, amount, now_ms(), "grpc"))
        started, failure, code = time.perf_counter(), None, ""
        self.certain = False
        while True:
            try:
                reply, code = self.stub.Pay(asked, timeout=DEADLINE_S, metadata=self.metadata), ""
            except grpc.RpcError as error:
                code = error_code(error)
                if code == "OVERLOADED" and time.perf_counter() - started < SHED_S_MAX:
                    gevent.sleep(AGAIN_S)
                    continue
                if code != "INSUFFICIENT_FUNDS":
                    failure = error
            break
        self.environment.events.request.fire(
            request_type="gRPC", name="PaymentsService/Pay", response_time=(time.perf_counter() - started) * 1000,
            response_length=0, exception=failure, context={},
        )  # fmt: skip
        if code in INDEFINITE:
            raise StopUser
        self.certain = True
        RECORD.told(key, code or DONE, "" if code else reply.payment.transfer_id)
        if not code:
            self.check(reply, amount)

    def check(self, reply: Any, amount: int) -> None:
        """The balance falls by the amount."""
        held = self.balance < 0 or reply.balance == self.balance - amount
        self.balance = reply.balance
        if not held:
            self.environment.events.request.fire(
                request_type="CHECK", name="gRPC: the balance did not fall by the amount", response_time=0,
                response_length=0, exception=ValueError("wrong balance"), context={},
            )  # fmt: skip
