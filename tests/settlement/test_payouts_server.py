"""Payouts that merchants ask for, and who sees which: called as the server calls them, on the real store."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cho.settlement.v1 import payouts_pb2 as pb

from kit.clock import now
from kit.errors import IdempotencyConflict, InsufficientFunds, InvalidArgument, NotFound
from kit.ids import new_id, new_key
from kit.rpc.call import Call, Caller
from services.settlement.clerk import wake
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import PayoutDocument
from services.settlement.server import payouts as server

MINE, ALSO_MINE, THEIRS = (new_id("mer") for _ in range(3))
OWNERS = {MINE: "usr_me", ALSO_MINE: "usr_me", THEIRS: "usr_them"}


def who(sub: str, *roles: str, institution: str = "") -> Call:
    return Call(Caller(sub, frozenset(roles), institution), "", "", {}, None)


ME, THEM = who("usr_me", "vendor"), who("usr_them", "vendor")


@pytest.fixture
def available(books: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """What the ledger says that a merchant can be paid out, đồng."""
    PayoutDocument.objects.delete()
    found = {MINE: 500_000, ALSO_MINE: 500_000, THEIRS: 500_000}
    monkeypatch.setattr(wake, "clerk", lambda: None)
    monkeypatch.setattr(server, "scheme", lambda: SimpleNamespace(GetAvailable=None))
    monkeypatch.setattr(
        server, "ask", lambda _, asked, __: SimpleNamespace(available=[found[one] for one in asked.account_ids])
    )
    monkeypatch.setattr(server.PayoutServicer, "_check_owner", check_owner)
    return found


def check_owner(_: Any, merchant_id: str, call: Call) -> None:
    if OWNERS.get(merchant_id) != call.caller.sub and not call.has("operator", "auditor"):
        raise NotFound("not yours")


def ask(request_id: str, amount: int = 0, merchant: str = MINE, call: Call = ME) -> pb.Payout:
    wanted = pb.RequestPayoutRequest(request_id=request_id, merchant_id=merchant, amount=amount)
    return server.PayoutServicer(None).RequestPayout(wanted, call).payout  # type: ignore[arg-type]


def test_a_payout_that_is_asked_for_again_is_the_same_whatever_became_of_the_account_since(
    available: dict[str, int],
) -> None:
    key = new_key()
    first = ask(key)
    assert (first.amount, first.fee, first.merchant_id) == (500_000, rules.ON_DEMAND_FEE_VND, MINE)
    available[MINE] = 0
    assert ask(key) == first
    assert PayoutDocument.objects.count() == 1


@pytest.mark.parametrize(
    ("merchant", "amount", "call"),
    [(MINE, 60_000, ME), (MINE, 0, ME), (ALSO_MINE, 50_000, ME), (THEIRS, 50_000, THEM)],
    ids=["more", "all", "another stall", "another person"],
)
def test_a_request_id_that_was_used_for_something_else_is_a_conflict_and_shows_nothing(
    available: dict[str, int], merchant: str, amount: int, call: Call
) -> None:
    key = new_key()
    ask(key, 50_000)
    with pytest.raises(IdempotencyConflict) as refused:
        ask(key, amount, merchant, call)
    assert MINE not in refused.value.message
    assert PayoutDocument.objects.count() == 1


def test_asked_for_again_after_the_ledger_had_less_it_is_still_the_same_request(available: dict[str, int]) -> None:
    key = new_key()
    made = ask(key, 50_000)
    payouts.change([(made.payout_id, rules.PENDING, {"amount": 20_000, "tries": 1})])
    assert ask(key, 50_000).amount == 20_000


def test_more_than_there_is_and_too_little_are_refused_and_nothing_is_noted(available: dict[str, int]) -> None:
    for amount, error in ((500_001, InsufficientFunds), (rules.LEAST_VND - 1, InvalidArgument)):
        with pytest.raises(error):
            ask(new_key(), amount)
    with pytest.raises(InvalidArgument):
        ask("not-a-key", 50_000)
    assert PayoutDocument.objects.count() == 0


def test_an_officer_who_sells_too_sees_the_payouts_of_their_own_bank_only(available: dict[str, int]) -> None:
    for number, bank in enumerate(("970436", "970405"), 1):
        to = {"bin": bank, "account": "1", "name": "A"}
        payouts.insert([payouts.new(rules.payout_id(7, number), 7, MINE, 50_000, 0, now(), to)])

    def seen(call: Call) -> list[str]:
        reply = server.PayoutServicer(None).ListPayouts(pb.ListPayoutsRequest(window=7), call)  # type: ignore[arg-type]
        return sorted(one.bank_bin for one in reply.payouts)

    assert seen(who("usr_o", "officer", institution="970436")) == ["970436"]
    assert seen(who("usr_o", "officer", "vendor", institution="970436")) == ["970436"]
    assert seen(who("usr_a", "auditor")) == ["970405", "970436"]
    with pytest.raises(InvalidArgument):
        seen(ME)


def test_a_windows_payouts_are_counted_where_they_are(available: dict[str, int]) -> None:
    """The first screen lists thirty windows, each with as many payouts as the markets have stalls."""
    assert payouts.count_of_window(7) == (0, 0)
    for number, state in enumerate((*rules.ENDED, rules.PENDING, rules.READY, rules.SENT), 1):
        to = {"bin": "970405", "account": "1", "name": "A"}
        payouts.insert([payouts.new(rules.payout_id(7, number), 7, MINE, 50_000, 0, now(), to) | {"state": state}])
    assert payouts.count_of_window(7) == (len(rules.ENDED), len(rules.ENDED) + 3)


def test_page_by_page_an_officer_sees_each_payout_of_their_bank_once(available: dict[str, int]) -> None:
    """Others' are between them: what is left out of a page makes no room for what begins the next."""
    banks = ["970405", "970436", "970405", "970436", "970436", "970405", "970436"]
    for number, bank in enumerate(banks, 1):
        to = {"bin": bank, "account": "1", "name": "A"}
        payouts.insert([payouts.new(rules.payout_id(7, number), 7, MINE, 50_000, 0, now(), to)])
    officer, token, seen = who("usr_o", "officer", institution="970436"), "", list[str]()
    while True:
        asked = pb.ListPayoutsRequest(window=7, page_size=2, page_token=token)
        reply = server.PayoutServicer(None).ListPayouts(asked, officer)  # type: ignore[arg-type]
        seen += [one.payout_id for one in reply.payouts]
        if not (token := reply.next_page_token):
            break
    assert sorted(seen) == [rules.payout_id(7, number) for number in (2, 4, 5, 7)]
