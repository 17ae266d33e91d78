"""What the clerk asks other services: payments moves money, onboarding knows where it is paid out to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import grpc
from cho.onboarding.v1 import onboarding_pb2
from cho.onboarding.v1.onboarding_pb2_grpc import OnboardingServiceStub
from cho.payments.v1 import payments_pb2, scheme_pb2
from cho.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from cho.payments.v1.scheme_pb2_grpc import SchemeServiceStub
from google.protobuf.message import Message

from kit.config import settings
from kit.errors import BY_CODE, Unavailable
from kit.rpc.call import service_metadata
from kit.rpc.status import error_code

ANSWER_S_MAX = 30.0
AT_ONCE = 200
# Nothing was done, or nobody knows: the same key is sent again later.
PASSING = frozenset({"CLOCK_SKEW", "CONTENTION", "LEDGER_FENCED", "OUTCOME_UNKNOWN", "OVERLOADED", "UNAVAILABLE"})


class Later(Exception):
    """Somebody cannot be reached now, or is not ready: what is left is done the next time."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the ledger said of a movement; `code` is "" where it was carried out, as event `seq`."""

    code: str
    message: str
    transfer_id: str
    seq: int


class Peers:
    """Open once a process."""

    def __init__(self) -> None:
        self._channels = [grpc.insecure_channel(settings().addr(name)) for name in ("payments", "onboarding")]
        self._payments, self._scheme = PaymentsServiceStub(self._channels[0]), SchemeServiceStub(self._channels[0])
        self._onboarding = OnboardingServiceStub(self._channels[1])
        self._metadata = service_metadata("settlement")

    def close(self) -> None:
        """Closes the connections."""
        for channel in self._channels:
            channel.close()

    def cut(self, window: int) -> None:
        """Closes the open window; closed already, nothing happens. Raises Later."""
        try:
            self._ask(self._payments.CutWindow, payments_pb2.CutWindowRequest(window=window))
        except grpc.RpcError as error:
            if error_code(error) != "WINDOW_NOT_OPEN":
                raise _error(error) from error

    def move(self, movements: Sequence[scheme_pb2.Movement]) -> Iterator[Outcome]:
        """Carries movements out, in their order. Raises Later at the first of which nothing is known."""
        left = iter(movements)
        while part := list(islice(left, AT_ONCE)):
            reply = self._done(self._scheme.Move, scheme_pb2.MoveRequest(movements=part))
            for outcome in reply.outcomes:
                if outcome.code in PASSING:
                    raise Later(f"the ledger: {outcome.message}")
                yield Outcome(outcome.code, outcome.message, outcome.transfer_id, outcome.seq)

    def available(self, account_ids: Sequence[str]) -> dict[str, int]:
        """What payees can be paid out now, đồng."""
        found: dict[str, int] = {}
        for start in range(0, len(account_ids), AT_ONCE):
            part = account_ids[start : start + AT_ONCE]
            reply = self._done(self._scheme.GetAvailable, scheme_pb2.GetAvailableRequest(account_ids=part))
            found.update(zip(part, reply.available, strict=True))
        return found

    def accounts(self, merchant_ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
        """Where merchants are paid out to: "bin", "account", "name"."""
        found: dict[str, Mapping[str, str]] = {}
        for start in range(0, len(merchant_ids), AT_ONCE):
            wanted = onboarding_pb2.GetSettlementAccountsRequest(merchant_ids=merchant_ids[start : start + AT_ONCE])
            for one in self._done(self._onboarding.GetSettlementAccounts, wanted).accounts:
                found[one.merchant_id] = {"bin": one.bank_bin, "account": one.account_number, "name": one.account_name}
        return found

    def _done(self, call: Any, request: Message) -> Any:
        try:
            return self._ask(call, request)
        except grpc.RpcError as error:
            raise _error(error) from error

    def _ask(self, call: Any, request: Message) -> Any:
        return call(request, timeout=ANSWER_S_MAX, metadata=self._metadata)


def _error(error: grpc.RpcError) -> Exception:
    code = error_code(error)
    if code in PASSING or code not in BY_CODE:
        return Later(f"{code or 'no answer'}: {error.details()}")
    return BY_CODE.get(code, Unavailable)(error.details() or code)
