"""Disputes: what the card's bank takes back is taken out of the wallet, and shown when it is and not before."""

from __future__ import annotations

import pytest
from cho.payments.v1 import cards_pb2 as pb

from kit.errors import BY_CODE
from services.payments.card.objects import Dispute, DisputeStatus
from services.payments.dispute import CardDispute
from services.payments.server.cards import dispute_view
from services.payments.steps import Ask, Post, State, TakeBack
from services.payments.store.ledger import Posted

NOW = 1_900_000_000_000
POSTED = Posted("trf_2", NOW, 8, 1, 0, 0, 0, 0)


def dispute(state: State = State.OPEN, payment_id: str = "trf_1") -> CardDispute:
    return CardDispute(
        id="dp_1", owner_id="usr_1", wallet_id="wal_1", telecom="VNPT", amount=50_000, state=state, created_ms=NOW,
        since_ms=NOW, due_ms=NOW, intent_id="pi_1", top_up_id="top_1", payment_id=payment_id,
    )  # fmt: skip


def told(work: CardDispute, status: DisputeStatus) -> CardDispute:
    """What it is once the provider has said so."""
    step = work.step(NOW)
    assert isinstance(step, Ask)
    return work.after(step, Dispute("dp_1", status, 50_000, "pi_1", "ch_1", "fraudulent", NOW // 1000), NOW)[0]


def shown(work: CardDispute) -> str:
    return pb.CardDisputeState.Name(dispute_view(work).state).removeprefix("CARD_DISPUTE_STATE_")


def test_money_is_shown_as_taken_once_the_ledger_has_taken_it() -> None:
    asked = told(dispute(), DisputeStatus.NEEDS_RESPONSE)
    assert (asked.state, shown(asked)) == (State.TAKING, "OPEN")
    step = asked.step(NOW)
    assert isinstance(step, TakeBack)
    refused, _ = asked.after(step, BY_CODE["OUTCOME_UNKNOWN"]("nobody knows"), NOW)
    assert shown(refused) == "OPEN"
    taken, _ = asked.after(step, POSTED, NOW)
    assert shown(taken) == "TAKEN"


def test_a_dispute_that_is_won_is_shown_as_won_once_the_wallet_has_its_money_again() -> None:
    back = told(dispute(State.TAKEN), DisputeStatus.WON)
    assert (back.state, shown(back)) == (State.BACK, "TAKEN")
    step = back.step(NOW)
    assert isinstance(step, Post)
    assert shown(back.after(step, POSTED, NOW)[0]) == "WON"


def test_nothing_is_taken_from_a_wallet_that_has_not_had_the_money_yet() -> None:
    asked = told(dispute(payment_id=""), DisputeStatus.NEEDS_RESPONSE)
    assert (asked.state, shown(asked)) == (State.TAKING, "OPEN")
    assert not isinstance(asked.step(NOW), TakeBack)


@pytest.mark.parametrize("state", [State.OPEN, State.TAKING, State.TAKEN, State.BACK, State.WON, State.LOST_CASE])
def test_every_state_can_be_shown_also_when_a_person_looks_at_it(state: State) -> None:
    work = dispute(state)
    assert shown(work)
    assert shown(work.escalate(NOW, "STUCK")[0]) == "ESCALATED"
