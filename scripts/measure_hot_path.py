"""What the parts of a payment's call cost the payments server: CPU microseconds, each by itself (docs/performance.md).

`python -m scripts.measure_hot_path` prints a table; the lowest of RUNS, by the process's own CPU clock.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from types import SimpleNamespace

import hiredis
import structlog
from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import payments_pb2 as pb
from redis.connection import PythonRespSerializer

from kit.config import settings
from kit.ids import new_id, new_key
from kit.rpc.call import accept
from kit.rpc.policy import policy_of
from services.payments import transfer
from services.payments.store.keys import Keys
from services.payments.store.ledger import Order, transfer_call

RUNS, TIMES = 7, 3_000


def cpu_us(work: Callable[[], object]) -> float:
    """Lowest CPU microseconds of this process for one call."""
    taken = []
    for _ in range(RUNS):
        before = time.process_time()
        for _ in range(TIMES):
            work()
        taken.append((time.process_time() - before) / TIMES * 1e6)
    return min(taken)


def parsed(reply: bytes) -> object:
    """A reply by hiredis."""
    reader = hiredis.Reader(encoding="utf-8")
    reader.feed(reply)
    return reader.gets()


def main() -> None:
    """Prints one line a part."""
    wallet, merchant, shopper = new_id("wal"), new_id("mer"), new_id("usr")
    request = pb.PayRequest(idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant, amount=1_000)
    raw = request.SerializeToString()
    reply = pb.PayResponse(balance=19_999_000)
    reply.payment.transfer_id, reply.payment.amount = new_id("pay"), 1_000
    reply.payment.from_account_id, reply.payment.to_account_id = wallet, merchant
    reply.payment.at.FromMilliseconds(1_764_400_000_000)
    legs = transfer.pay(wallet, merchant, "VIETTEL", 1_000, 0)
    order = Order(
        op="pay", caller=shopper, key=request.idempotency_key, body_hash="0" * 64, amount=1_000, fee=0, legs=legs,
        owner=shopper, intent=Intent(caller_id=shopper),
    )  # fmt: skip
    keys, args = transfer_call(order, Keys("c01"), new_id("pay"))
    command = ("FCALL", "transfer_v3", len(keys), *keys, "0" * 40, *args)
    answer = hiredis.pack_command(("OK", reply.payment.transfer_id, "1764400000000|17|3|19999000|1000|0|0||0"))  # type: ignore[arg-type]
    serializer = PythonRespSerializer(6_000, lambda v: v if isinstance(v, bytes) else str(v).encode())
    policy = policy_of(pb.DESCRIPTOR.services_by_name["PaymentsService"].methods_by_name["Pay"])
    claims = {"x-cho-edge": settings().edge_secret, "x-cho-sub": shopper, "x-cho-roles": "shopper", "x-cho-ins": "",
              "x-cho-pin-at": "1764400000", "x-cho-dev": "d", "x-cho-dev-at": "1764400000", "x-request-id": new_key(),
              "user-agent": "grpc", "te": "trailers"}  # fmt: skip
    context = SimpleNamespace(invocation_metadata=lambda: tuple(claims.items()))
    log = structlog.wrap_logger(
        structlog.PrintLogger(io.StringIO()),
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True),
                    structlog.processors.JSONRenderer(ensure_ascii=False)],
    )  # fmt: skip
    parts: dict[str, Callable[[], object]] = {
        "protobuf: request read": lambda: pb.PayRequest.FromString(raw),
        "protobuf: reply written": reply.SerializeToString,
        "who calls, and whether they may (metadata to Call)": lambda: accept(policy, context),
        f"the ledger's call made ({len(keys)} keys, {len(args)} arguments)": lambda: transfer_call(
            order, Keys("c01"), "pay_x"
        ),
        "packed by hiredis": lambda: hiredis.pack_command(command),  # type: ignore[arg-type]
        "packed by redis-py without it": lambda: serializer.pack(*command),
        "answer read by hiredis": lambda: parsed(answer),
        "a line of log, which no payment writes": lambda: log.info("paid", payment_id=keys[3], amount=1_000),
    }
    for name, work in parts.items():
        print(f"{name:<60} {cpu_us(work):6.1f}")


if __name__ == "__main__":
    main()
