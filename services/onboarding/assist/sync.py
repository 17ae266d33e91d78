"""A device's drafts, saved one by one: none keeps another from being saved, and each is told what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kit import clock, words
from kit.errors import Contention, DomainError, DraftChanged, IdempotencyConflict, InvalidArgument, VendorTaken
from services.onboarding import form as forms
from services.onboarding import store as merchants
from services.onboarding.assist import store
from services.onboarding.form import Form
from services.onboarding.merchant import merchant_id_of
from services.onboarding.problems import Problem
from services.onboarding.store.document import MerchantDocument

DRAFTS_MAX = 50
# Somebody else was faster, or is at it: the device keeps its draft, and its holder decides.
CONFLICTS = (DraftChanged, VendorTaken, IdempotencyConflict, Contention)


@dataclass(frozen=True, slots=True)
class ToSync:
    """`version` is the one that the form changes, 0 for a new draft."""

    form: Form
    version: int = 0
    take_over: bool = False


@dataclass(frozen=True, slots=True)
class Synced:
    """What became of a draft. `error` is None where it is stored; ms."""

    request_id: str
    merchant_id: str = ""
    version: int = 0
    error: DomainError | None = None
    by: str = ""
    since_ms: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def is_conflict(self) -> bool:
        return isinstance(self.error, CONFLICTS)

    @property
    def vi(self) -> str:
        """What a person reads of the error; "" where there is none."""
        return (self.error.vi or words.VI.get(self.error.code, "")) if self.error else ""


def sync(drafts: list[ToSync], by: str) -> list[Synced]:
    """Raises InvalidArgument for too many; whatever one draft meets is its own outcome."""
    if not 1 <= len(drafts) <= DRAFTS_MAX:
        raise InvalidArgument(f"1 to {DRAFTS_MAX} drafts at once")
    return [_synced(draft, by) for draft in drafts]


def _synced(draft: ToSync, by: str) -> Synced:
    form = draft.form
    try:
        form = forms.drafted(form)
        if form.market_id and form.citizen_id:
            merchant_id = merchant_id_of(form.request_id)
            store.claim(form.market_id, form.citizen_id, merchant_id, by, clock.now_ms(), take_over=draft.take_over)
        saved = merchants.save_draft(form, by, draft.version)
        return Synced(
            form.request_id, saved.merchant_id, saved.version, problems=merchants.checklist(saved.merchant_id)
        )
    except VendorTaken as taken:
        return Synced(form.request_id, error=taken, by=taken.details["by"], since_ms=int(taken.details["since_ms"]))
    except CONFLICTS as error:
        return _conflict(form.request_id, error)
    except DomainError as error:
        return Synced(form.request_id, error=error)


def _conflict(request_id: str, error: DomainError) -> Synced:
    """With what is stored now: who changed it last, when, and which version to save onto."""
    stored = MerchantDocument.objects(id=merchant_id_of(request_id)).only("version", "history").first()
    if stored is None:
        return Synced(request_id, error=error)
    last = stored.history[-1]
    since_ms = round(last.at.timestamp() * 1000)
    return Synced(request_id, version=stored.version, error=error, by=last.actor, since_ms=since_ms)
