"""The ledger for workers, which have no event loop: one call at a time, waiting for it.

    ledger = SyncLedger(clients.ledger(), keys())
    posted = ledger.post(Order(...))

The same functions and refusals as `store/ledger.py`. With replicas an answer is given only after they have it on disk
(DESIGN section 4, rule 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from cho.events.v1.events_pb2 import MerchantChanged
from cho.events.v1.intent_pb2 import Intent

from kit.config import settings
from kit.errors import OutcomeUnknown, Unavailable
from services.payments.store.keys import Keys
from services.payments.store.ledger import (
    Order,
    Posted,
    key_time,
    new_transfer_id,
    read_posted,
    refusal,
    scope_of,
    transfer_call,
)

REPLICA_WAIT_MS = 1000
# With these the server refuses a command before it executes it (store/ledger.py), as redis-py tells them: some by their
# class, the others by what they begin with. Any other error is a bug.
_REFUSED = (redis.exceptions.ReadOnlyError, redis.exceptions.OutOfMemoryError, redis.exceptions.MasterDownError)
_REFUSED_WORDS = ("NOREPLICAS", "MISCONF", "BUSY", "CLUSTERDOWN", "Function not found", "ERR Function not found")


class SyncLedger:
    """The cell's ledger, over a client of `kit.streams.clients`: replies are bytes, and nothing is tried twice."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def post(self, order: Order) -> Posted:
        """Carries a transfer out, or tells how it ended before. Raises the DomainError that it was refused with."""
        keys, args = transfer_call(order, self._keys, new_transfer_id(order.op))
        return read_posted(self._call("transfer_v3", keys, *args))

    def release(
        self, op: str, hold_id: str, payer_id: str, payee_id: str, related: str, owner: str, intent: Intent
    ) -> int:
        """Ends a hold without taking it: "void", or "expire" once its time is over. The payer's balance after it, đồng.

        Done already, it is answered the same. `owner` must own the payee ("" for an operator or the clock).
        """
        k = self._keys
        keys = [
            k.meta, k.stream, k.transfer(hold_id), k.transfer(related) if related else k.meta,
            k.holds, k.account(payer_id), k.account(payee_id),
        ]  # fmt: skip
        scope = f"{intent.caller_id}|{op}|{hold_id}"
        return int(self._done("release_v3", keys, op, hold_id, owner, scope, intent.SerializeToString(), related)[2])

    def ask(self, merchant_id: str, reference: str, amount: int, expires_ms: int, intent: Intent) -> None:
        """A merchant's request for `amount` đồng, by a service. Raises AlreadyExists for another amount."""
        k = self._keys
        keys = [k.meta, k.stream, k.request(merchant_id, reference), k.account(merchant_id)]
        scope = f"{intent.caller_id}|request|{merchant_id}|{reference}"
        self._done(
            "request_v3", keys, merchant_id, "", reference, amount, expires_ms, scope, intent.SerializeToString()
        )

    def withdraw(self, merchant_id: str, reference: str, intent: Intent) -> None:
        """Takes a service's request back; again, nothing happens. Raises RequestPaid, RequestNotFound."""
        k = self._keys
        keys = [k.meta, k.stream, k.request(merchant_id, reference), k.account(merchant_id)]
        scope = f"{intent.caller_id}|withdraw|{merchant_id}|{reference}"
        self._done("withdraw_v3", keys, merchant_id, "", reference, scope, intent.SerializeToString())

    def decline(self, proposal_id: str, state: str, who: str, intent: Intent) -> None:
        """Ends a proposal without doing it: "rejected", or "expired" once its time is over."""
        k = self._keys
        keys = [k.meta, k.stream, k.proposal(proposal_id), k.proposals]
        scope = f"{who}|decline|{proposal_id}"
        self._done("decline_v3", keys, proposal_id, state, who, scope, intent.SerializeToString())

    def open(self, account_id: str, kind: str, telecom: str, owner: str, intent: Intent) -> str:
        """Opens an account; returns the id of the one that exists where there may be one only."""
        k = self._keys
        keys = [k.meta, k.stream, k.account(account_id), k.unique(kind, telecom, owner), k.owner(owner)]
        scope = f"{intent.caller_id}|open|{account_id}"
        return self._done("open_v3", keys, account_id, kind, telecom, owner, "0", scope, intent.SerializeToString())[1]

    def put_merchant(self, change: MerchantChanged, state: str, intent: Intent) -> None:
        """Brings a merchant to what onboarding says it is; an older version, or the same again, changes nothing.

        Raises AlreadyExists where its bank account is another merchant's.
        """
        k, merchant_id, scope = self._keys, change.merchant_id, f"{intent.caller_id}|merchant|{intent.event_id}"
        keys = [
            k.meta, k.stream, k.account(merchant_id), k.bank_account(change.account_index), k.owner(change.owner_id),
        ]  # fmt: skip
        self._done(
            "merchant_v3", keys, merchant_id, change.owner_id, state, change.version, change.bank_bin,
            change.category_code, change.name, change.market_name, change.stall, scope,
            intent.SerializeToString(deterministic=True),
        )  # fmt: skip

    def exempt(self, wallet_id: str, intent: Intent) -> None:
        """The monthly limits do not concern this wallet; again, nothing happens."""
        k, scope = self._keys, f"{intent.caller_id}|exempt|{intent.event_id}"
        keys = [k.meta, k.stream, k.account(wallet_id)]
        self._done("exempt_v3", keys, wallet_id, "1", scope, intent.SerializeToString(deterministic=True))

    def resolve(self, caller: str, op: str, key: str) -> tuple[str, str]:
        """(code, transfer id) of how a key ended; "KEY_SPENT" where it never arrived, and now never will.

        Raises LedgerFenced, KeyExpired, ClockSkew.
        """
        k, scope = self._keys, scope_of(caller, op, key)
        intent = Intent(caller_id=caller).SerializeToString()
        reply = self._call("resolve_v3", [k.meta, k.stream, k.idempotency(scope)], key_time(key), scope, intent)
        if reply[0] in ("LEDGER_FENCED", "KEY_EXPIRED", "CLOCK_SKEW"):
            raise refusal(reply[0], reply[2])
        return reply[0], reply[1]

    def available(self, account_id: str) -> tuple[str, int]:
        """An account's state ("" where there is none), and what its owner can use, đồng."""
        try:
            row: Any = self._client.hmget(self._keys.account(account_id), "s", "dp", "cp", "dq")
        except redis.ConnectionError as error:
            raise Unavailable("the ledger is not reachable; nothing was done") from error
        state, debits, credits, pending = row
        return (state or b"").decode(), int(credits or 0) - int(debits or 0) - int(pending or 0)

    def debts(self) -> list[str]:
        """Receivables on which somebody owes."""
        return sorted(member.decode() for member in self._members(self._keys.debts))

    def owned(self, owner: str) -> list[str]:
        """Account ids of a person, the oldest of a kind first."""
        return sorted(member.decode() for member in self._members(self._keys.owner(owner)))

    def holder(self, account_id: str) -> tuple[str, str]:
        """(owner, telecom) of an account; "" where there is none."""
        row: Any = self._client.hmget(self._keys.account(account_id), "o", "t")
        owner, telecom = row
        return (owner or b"").decode(), (telecom or b"").decode()

    def _members(self, key: str) -> set[bytes]:
        found: Any = self._client.smembers(key)
        return set(found)

    def _done(self, function: str, keys: Sequence[str], *args: str | bytes | int) -> list[str]:
        reply = self._call(function, keys, *args)
        if reply[0] != "OK":
            raise refusal(reply[0], reply[2])
        return reply

    def _call(self, function: str, keys: Sequence[str], *args: str | bytes | int) -> list[str]:
        """A function's reply, from when it is on every disk that it must be on.

        Raises Unavailable where nothing was executed, OutcomeUnknown where that is not known.
        """
        replicas = settings().ledger_replicas
        try:
            with self._client.client() as same:
                # The gate is opened for a run of the server: of the one at the other end of this connection.
                run = same.info("server")["run_id"]
                reply: Any = _executed(same, function, keys, run, args)
                if replicas:
                    _await_disks(same, replicas)
        except (redis.ConnectionError, redis.TimeoutError, OSError) as error:
            raise OutcomeUnknown(f"the ledger's connection broke: send the same key again ({error})") from error
        return [part.decode() if isinstance(part, bytes) else str(part) for part in reply]


def _executed(
    same: redis.Redis, function: str, keys: Sequence[str], run: str, args: Sequence[str | bytes | int]
) -> Any:
    try:
        return same.fcall(function, len(keys), *keys, run, *args)
    except redis.ResponseError as error:
        if isinstance(error, _REFUSED) or str(error).startswith(_REFUSED_WORDS):
            raise Unavailable(f"the ledger takes no calls now; nothing was done ({error})") from error
        raise


def _await_disks(same: redis.Redis, replicas: int) -> None:
    """Until what this connection wrote is on the replicas' disks; alone, since in one flush WAITAOF stalls a second."""
    same.wait(replicas, REPLICA_WAIT_MS)
    local, on_disk = same.execute_command("WAITAOF", 1, replicas, REPLICA_WAIT_MS)
    if not local or on_disk < replicas:
        raise OutcomeUnknown("not yet on the replica's disk: send the same key again")
