"""Merchants, forms and problems between proto and rules."""

from __future__ import annotations

from collections.abc import Iterable

from cho.onboarding.v1 import drafts_pb2, onboarding_pb2

from kit import banks
from services.onboarding.form import TEXTS, Form
from services.onboarding.merchant import Merchant, State
from services.onboarding.problems import Problem

STATES = {getattr(onboarding_pb2, f"MERCHANT_STATE_{state.name}"): state for state in State}
NUMBERS = {state: number for number, state in STATES.items()}
_ACCOUNT = ("bank_bin", "account_number", "account_name")


def form_of(message: drafts_pb2.Form | onboarding_pb2.RegisterMerchantRequest) -> Form:
    """What was filled in."""
    account = message.settlement_account
    texts = {name: getattr(message, name) for name in TEXTS if name not in _ACCOUNT}
    documents = dict(message.documents) if isinstance(message, drafts_pb2.Form) else {}
    return Form(**texts, **{name: getattr(account, name) for name in _ACCOUNT}, documents=documents)


def account_view(bank_bin: str, account_masked: str, account_name: str) -> onboarding_pb2.SettlementAccount:
    """A settlement account as it may be shown."""
    bank = banks.lookup(bank_bin)
    return onboarding_pb2.SettlementAccount(
        bank_bin=bank_bin,
        account_name=account_name,
        account_masked=account_masked,
        bank_name=(bank.short_name or bank.sbv_name or "") if bank else "",
    )


def merchant_view(merchant: Merchant) -> onboarding_pb2.Merchant:
    """A merchant as it may be shown."""
    reply = onboarding_pb2.Merchant(
        merchant_id=merchant.merchant_id,
        name=merchant.name,
        market_id=merchant.market_id,
        market_name=merchant.market_name,
        stall=merchant.stall,
        owner_id=merchant.owner_id,
        category_code=merchant.category_code,
        settlement_account=account_view(merchant.bank_bin, merchant.account_masked, merchant.account_name),
        state=NUMBERS[merchant.state],
        registered_by=merchant.registered_by,
        decided_by=merchant.decided_by,
        reason=merchant.reason,
        version=merchant.version,
        assigned_to=merchant.assigned_to,
        phone_masked=merchant.phone_masked,
        citizen_id_masked=merchant.citizen_id_masked,
        person_name=merchant.person_name,
    )
    reply.registered_at.FromDatetime(merchant.registered_at)
    if merchant.decided_at is not None:
        reply.decided_at.FromDatetime(merchant.decided_at)
    return reply


def problem_views(problems: Iterable[Problem]) -> list[drafts_pb2.Problem]:
    """What is missing or wrong."""
    return [drafts_pb2.Problem(field=one.field, code=one.code, vi=one.vi, en=one.en) for one in problems]
