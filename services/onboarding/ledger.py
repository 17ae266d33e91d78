"""What onboarding's server asks payments: whether a merchant is still owed money."""

from __future__ import annotations

from functools import cache

import grpc
from cho.payments.v1 import payments_pb2
from cho.payments.v1.payments_pb2_grpc import PaymentsServiceStub

from kit.config import settings
from kit.errors import AccountNotEmpty, Contention, Unavailable
from kit.rpc.call import Call
from kit.rpc.status import error_code

ANSWER_S_MAX = 5.0


@cache
def _payments() -> PaymentsServiceStub:
    return PaymentsServiceStub(grpc.insecure_channel(settings().addr("payments")))


def require_nothing_owed(merchant_id: str, call: Call) -> None:
    """Asks as the operator who calls. A merchant that the ledger never heard of is owed nothing.

    Raises AccountNotEmpty, Contention (the ledger has not heard of the suspension, and might still take a payment),
    Unavailable.
    """
    metadata = (
        ("x-cho-edge", settings().edge_secret),
        ("x-cho-sub", call.caller.sub),
        ("x-cho-roles", "operator"),
        ("x-request-id", call.request_id),
    )
    wanted = payments_pb2.GetAccountRequest(account_id=merchant_id)
    try:
        account = _payments().GetAccount(wanted, timeout=ANSWER_S_MAX, metadata=metadata).account
    except grpc.RpcError as error:
        if error_code(error) == "ACCOUNT_NOT_FOUND":
            return
        raise Unavailable("the ledger cannot be asked now whether the merchant is owed money") from error
    if account.state == payments_pb2.ACCOUNT_STATE_OPEN:
        raise Contention("the ledger has not heard of the suspension yet; try again")
    if account.balance != 0:
        raise AccountNotEmpty(
            f"the ledger owes the merchant {account.balance} đồng: reinstate it, let a payout go out, suspend, close"
        )
