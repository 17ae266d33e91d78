"""Drafts that sync, a vendor's consent, claims, teams and figures, on a real store."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from kit import clock, crypto, sms
from kit.errors import (
    AlreadyExists,
    ChecklistOpen,
    CodeExpired,
    CodeUsed,
    ConfirmationNeeded,
    ConfirmationWrong,
    Contention,
    DomainError,
    DraftChanged,
    InvalidArgument,
    NotFound,
    TooManyAttempts,
    Unavailable,
    VendorTaken,
    WrongState,
)
from kit.ids import new_id, new_key
from services.onboarding import store
from services.onboarding.assist import consent, owners, progress, sync
from services.onboarding.assist import store as assist
from services.onboarding.assist.confirmation import MESSAGES_A_DAY_MAX
from services.onboarding.assist.sync import ToSync
from services.onboarding.assist.team import Team
from services.onboarding.form import Form
from services.onboarding.merchant import Action, State, merchant_id_of

LAN, MINH = new_id("usr"), new_id("usr")
Another = Callable[[int], Form]


@pytest.fixture(autouse=True)
def _assist(database: None) -> None:
    for document in assist.DOCUMENTS:
        document.objects.delete()


class Phone:
    """The vendor's: what was sent to it."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []

    def __call__(self, to: str, text: str) -> None:
        self.messages.append((to, text))

    @property
    def code(self) -> str:
        found = re.match(r"[0-9]{6}", self.messages[-1][1])
        assert found is not None
        return found[0]

    @property
    def wrong_code(self) -> str:
        return f"{(int(self.code) + 1) % 1_000_000:06d}"


@pytest.fixture
def phone() -> Phone:
    return Phone()


def saved(form: Form, by: str = LAN) -> str:
    return store.save_draft(form, by).merchant_id


# Consent


def test_a_vendor_confirms_on_their_own_phone_and_then_the_draft_is_handed_in(registration: Form, phone: Phone) -> None:
    merchant_id = saved(registration)
    with pytest.raises(ConfirmationNeeded):
        consent.require(merchant_id)
    asked = consent.request(merchant_id, LAN, phone)
    assert asked.phone_masked.endswith(registration.phone[-3:])
    assert registration.phone not in asked.phone_masked
    (to, text) = phone.messages[0]
    assert to == "+84" + registration.phone.removeprefix("0").removeprefix("+84")
    assert "Rau sach Co Nga" in text
    confirmed = consent.confirm(merchant_id, phone.code, LAN)
    assert confirmed.found is not None
    assert confirmed.found.covers(consent.require(merchant_id))
    submitted = store.submit(merchant_id, LAN, confirmed=consent.require(merchant_id))
    assert submitted.state is State.SUBMITTED


def test_a_code_that_was_used_is_refused_when_it_is_replayed(registration: Form, phone: Phone) -> None:
    merchant_id = saved(registration)
    consent.request(merchant_id, LAN, phone)
    code = phone.code
    consent.confirm(merchant_id, code, LAN)
    with pytest.raises(CodeUsed) as refused:
        consent.confirm(merchant_id, code, LAN)
    assert "một lần" in refused.value.vi


def test_one_code_tried_by_many_at_once_confirms_once(registration: Form, phone: Phone) -> None:
    merchant_id = saved(registration)
    consent.request(merchant_id, LAN, phone)
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            consent.confirm(merchant_id, phone.code, LAN)
            outcomes.append("OK")
        except DomainError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("OK") == 1
    assert set(outcomes) <= {"OK", "CODE_USED", "TOO_MANY_ATTEMPTS"}


def test_five_wrong_tries_end_a_code_however_right_the_sixth_is(registration: Form, phone: Phone) -> None:
    merchant_id = saved(registration)
    consent.request(merchant_id, LAN, phone)
    for left in (4, 3, 2, 1, 0):
        with pytest.raises(ConfirmationWrong) as wrong:
            consent.confirm(merchant_id, phone.wrong_code, LAN)
        assert wrong.value.details["tries_left"] == str(left)
    with pytest.raises(TooManyAttempts):
        consent.confirm(merchant_id, phone.code, LAN)
    with pytest.raises(ConfirmationNeeded):
        consent.require(merchant_id)
    # A new code works.
    consent.request(merchant_id, LAN, phone)
    consent.confirm(merchant_id, phone.code, LAN)


def test_a_draft_that_was_changed_needs_a_new_code_before_and_after_it_was_confirmed(
    registration: Form, phone: Phone
) -> None:
    merchant_id = saved(registration)
    consent.request(merchant_id, LAN, phone)
    first = phone.code
    changed = replace(registration, account_number="1112223334")
    store.save_draft(changed, MINH, 1)
    with pytest.raises(ConfirmationNeeded) as stale:
        consent.confirm(merchant_id, first, LAN)
    assert "thay đổi" in stale.value.vi
    consent.request(merchant_id, LAN, phone)
    consent.confirm(merchant_id, phone.code, LAN)
    index = consent.require(merchant_id)
    store.save_draft(replace(changed, account_number="9998887776"), MINH, 2)
    with pytest.raises(ConfirmationNeeded):
        consent.require(merchant_id)
    # Changed between the look and the handing in.
    with pytest.raises(DraftChanged):
        store.submit(merchant_id, LAN, confirmed=index)


def test_a_code_of_another_draft_confirms_nothing(registration: Form, another: Another, phone: Phone) -> None:
    first, second = saved(registration), saved(another(2))
    consent.request(first, LAN, phone)
    code = phone.code
    consent.request(second, LAN, phone)
    if code != phone.code:
        with pytest.raises(ConfirmationWrong):
            consent.confirm(second, code, LAN)
    with pytest.raises(ConfirmationNeeded):
        consent.confirm(saved(another(3)), code, LAN)


def test_a_code_lives_ten_minutes(registration: Form, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant_id = saved(registration)
    consent.request(merchant_id, LAN, phone)
    later = clock.now_ms() + 600_000
    monkeypatch.setattr("services.onboarding.assist.consent.clock.now_ms", lambda: later)
    with pytest.raises(CodeExpired):
        consent.confirm(merchant_id, phone.code, LAN)


def test_a_request_that_is_sent_again_sends_the_vendor_nothing_more(registration: Form, phone: Phone) -> None:
    merchant_id = saved(registration)
    first = consent.request(merchant_id, LAN, phone)
    assert consent.request(merchant_id, LAN, phone) == first
    assert len(phone.messages) == 1
    consent.confirm(merchant_id, phone.code, LAN)
    assert consent.request(merchant_id, LAN, phone).found is not None
    assert len(phone.messages) == 1


def test_nobodys_phone_is_flooded(registration: Form, phone: Phone) -> None:
    merchant_id = saved(registration)
    form = registration
    for number in range(MESSAGES_A_DAY_MAX):
        consent.request(merchant_id, LAN, phone)
        form = replace(form, address=f"Tổ {number}")
        store.save_draft(form, LAN, number + 1)
    with pytest.raises(TooManyAttempts) as refused:
        consent.request(merchant_id, MINH, phone)
    assert len(phone.messages) == MESSAGES_A_DAY_MAX
    assert "ngày mai" in refused.value.vi


def test_a_message_that_could_not_be_sent_is_asked_for_again_at_once(registration: Form, phone: Phone) -> None:
    def away(to: str, text: str) -> None:
        raise Unavailable("the SMS provider failed")

    merchant_id = saved(registration)
    with pytest.raises(Unavailable):
        consent.request(merchant_id, LAN, away)
    consent.request(merchant_id, LAN, phone)
    consent.confirm(merchant_id, phone.code, LAN)


def test_a_number_that_the_provider_takes_no_message_for_is_said_to_be_wrong(registration: Form, phone: Phone) -> None:
    def refusing(to: str, text: str) -> None:
        raise sms.RefusedError("400")

    merchant_id = saved(registration)
    with pytest.raises(InvalidArgument) as refused:
        consent.request(merchant_id, LAN, refusing)
    assert refused.value.details["field"] == "phone"
    consent.request(merchant_id, LAN, phone)


def test_only_a_whole_draft_is_confirmed(registration: Form, phone: Phone) -> None:
    with pytest.raises(ChecklistOpen):
        consent.request(saved(replace(registration, stall="")), LAN, phone)
    handed_in = store.register(replace(registration, request_id=new_key()), LAN)
    with pytest.raises(WrongState):
        consent.request(handed_in.merchant_id, LAN, phone)
    with pytest.raises(NotFound):
        consent.request(new_id("mer"), LAN, phone)
    assert phone.messages == []


def test_a_code_is_kept_as_a_keyed_hash_and_never_logged(
    registration: Form, phone: Phone, capsys: pytest.CaptureFixture[str]
) -> None:
    merchant_id = saved(registration)
    consent.request(merchant_id, LAN, phone)
    stored = str([one.to_mongo() for document in assist.DOCUMENTS for one in document.objects])
    code = phone.code
    consent.confirm(merchant_id, code, LAN)
    written = capsys.readouterr()
    assert code not in stored.replace(str(clock.now_ms())[:6], "")
    assert code not in written.out + written.err
    assert registration.phone[1:] not in stored + written.out + written.err


# Sync


def test_drafts_are_saved_each_for_itself_and_again_change_nothing(registration: Form, another: Another) -> None:
    bad = replace(another(1), name="a\u202eb")
    drafts = [ToSync(registration), ToSync(bad), ToSync(replace(another(2), stall=""))]
    first, refused, third = sync.sync(drafts, LAN)
    assert (first.version, first.error, first.problems) == (1, None, [])
    assert (refused.error is not None, refused.is_conflict, refused.merchant_id) == (True, False, "")
    assert [problem.field for problem in third.problems] == ["stall"]
    again = sync.sync(drafts, LAN)
    assert [one.version for one in again] == [1, 0, 1]
    assert store.merchant(first.merchant_id).version == 1


def test_a_draft_that_was_handed_in_meanwhile_is_synced_again_without_harm(registration: Form) -> None:
    (first,) = sync.sync([ToSync(registration)], LAN)
    store.submit(first.merchant_id, LAN)
    (again,) = sync.sync([ToSync(registration)], LAN)
    assert (again.error, again.merchant_id) == (None, first.merchant_id)
    (late,) = sync.sync([ToSync(replace(registration, stall="A-13"), 1)], LAN)
    assert late.error is not None
    assert late.error.code == "WRONG_STATE"


def test_of_two_devices_with_one_draft_the_second_is_told_who_was_faster_and_what_to_save_onto(
    registration: Form,
) -> None:
    sync.sync([ToSync(registration)], LAN)
    sync.sync([ToSync(replace(registration, stall="A-13"), 1)], LAN)
    (conflict,) = sync.sync([ToSync(replace(registration, stall="A-14"), 1)], LAN)
    assert isinstance(conflict.error, DraftChanged)
    assert (conflict.is_conflict, conflict.version, conflict.by, conflict.since_ms > 0) == (True, 2, LAN, True)
    assert conflict.vi
    assert store.draft(merchant_id_of(registration.request_id)).stall == "A-13"
    (resolved,) = sync.sync([ToSync(replace(registration, stall="A-14"), conflict.version)], LAN)
    assert (resolved.error, resolved.version) == (None, 3)


def test_two_teams_onboarding_one_vendor_at_once_are_told_of_each_other(registration: Form) -> None:
    sync.sync([ToSync(registration)], LAN)
    theirs = replace(registration, request_id=new_key(), stall="A-13")
    (conflict,) = sync.sync([ToSync(theirs)], MINH)
    assert isinstance(conflict.error, VendorTaken)
    assert (conflict.is_conflict, conflict.by, conflict.merchant_id) == (True, LAN, "")
    assert "Tổ khác" in conflict.vi
    with pytest.raises(NotFound):
        store.merchant(merchant_id_of(theirs.request_id))
    # They were asked, and left it.
    (taken,) = sync.sync([ToSync(theirs, take_over=True)], MINH)
    assert taken.error is None
    (back,) = sync.sync([ToSync(replace(registration, address="Tổ 9"), 1)], LAN)
    assert isinstance(back.error, VendorTaken)


def test_a_vendors_second_stall_by_the_same_team_is_no_conflict(registration: Form) -> None:
    second = replace(registration, request_id=new_key(), stall="A-13")
    assert [one.error for one in sync.sync([ToSync(registration), ToSync(second)], LAN)] == [None, None]


def test_a_team_mate_goes_on_where_another_stopped(registration: Form) -> None:
    assist.put_team(Team(new_id("tea"), "Tổ số xóm Soi Vàng", "05488", (LAN, MINH)))
    second = replace(registration, request_id=new_key(), stall="A-13")
    sync.sync([ToSync(registration)], LAN)
    assert [one.error for one in sync.sync([ToSync(second)], MINH)] == [None]


def test_who_goes_on_with_the_very_draft_meets_its_version_and_no_claim(registration: Form) -> None:
    sync.sync([ToSync(registration)], LAN)
    (saved_,) = sync.sync([ToSync(replace(registration, stall="A-13"), 1)], MINH)
    assert (saved_.error, saved_.version) == (None, 2)
    (late,) = sync.sync([ToSync(replace(registration, stall="A-14"), 1)], LAN)
    assert isinstance(late.error, DraftChanged)
    assert late.by == MINH


def test_a_draft_that_is_refused_claims_nobody(registration: Form) -> None:
    sync.sync([ToSync(replace(registration, name="a\u202eb"))], LAN)
    (other,) = sync.sync([ToSync(replace(registration, request_id=new_key()))], MINH)
    assert other.error is None


def test_a_vendor_whose_team_has_not_synced_for_a_week_is_free(registration: Form) -> None:
    now = clock.now_ms()
    assist.claim("mkt", "id", "mer", LAN, now)
    with pytest.raises(VendorTaken):
        assist.claim("mkt", "id", "mer2", MINH, now + assist.CLAIM_LIVES_MS - 1)
    assist.claim("mkt", "id", "mer2", MINH, now + assist.CLAIM_LIVES_MS)


def test_of_two_teams_at_the_very_same_moment_one_is_first() -> None:
    now, outcomes = clock.now_ms(), []
    start = threading.Barrier(6)

    def attempt(by: str) -> None:
        start.wait()
        try:
            assist.claim("mkt", "id", new_id("mer"), by, now)
            outcomes.append("OK")
        except VendorTaken:
            outcomes.append("TAKEN")

    threads = [threading.Thread(target=attempt, args=(new_id("usr"),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["OK", *["TAKEN"] * 5]


@pytest.mark.parametrize("count", [0, 51])
def test_a_sync_of_nothing_or_of_too_much_is_refused(registration: Form, count: int) -> None:
    with pytest.raises(InvalidArgument):
        sync.sync([ToSync(registration)] * count, LAN)


# Owners


@pytest.mark.parametrize("account_first", [True, False])
def test_a_merchant_finds_its_owner_whichever_comes_first(registration: Form, account_first: bool) -> None:
    owner, index = new_id("usr"), crypto.phone_index(registration.phone)
    form = replace(registration, owner_id="")
    if account_first:
        owners.heard(owner, index, 1)
    made = store.register(form, LAN)
    assert made.owner_id == ""
    bound = owners.bind_known([index]) if account_first else owners.heard(owner, index, 1)
    assert bound == 1
    assert store.merchant(made.merchant_id).owner_id == owner
    # Told again, nothing happens; and nobody loses a merchant to whoever has the phone later.
    owners.heard(owner, index, 1)
    owners.heard(new_id("usr"), index, 1)
    assert store.merchant(made.merchant_id).owner_id == owner
    assert store.merchant(made.merchant_id).version == 2


def test_an_older_telling_of_a_person_is_passed_over(registration: Form) -> None:
    owner = new_id("usr")
    old, new = crypto.phone_index("0912345678"), crypto.phone_index("0987654321")
    owners.heard(owner, new, 2)
    owners.heard(owner, old, 1)
    assert assist.OwnerDocument.objects(id=owner).get().phone_index == new


def test_who_was_erased_is_found_by_no_phone_whatever_comes_late(registration: Form) -> None:
    owner, index = new_id("usr"), crypto.phone_index(registration.phone)
    owners.heard(owner, index, 1)
    owners.erased(owner, 3)
    made = store.register(replace(registration, owner_id=""), LAN)
    assert (owners.bind_known([index]), owners.heard(owner, index, 2)) == (0, 0)
    assert store.merchant(made.merchant_id).owner_id == ""


# Teams and figures


def test_figures_are_what_was_brought_in_by_state(registration: Form, another: Another) -> None:
    saved(replace(another(1), stall=""))
    store.register(another(2), LAN)
    active = store.register(registration, LAN)
    store.decide(active.merchant_id, Action.APPROVE, MINH)
    store.register(another(3), MINH)
    assert progress.of_person(LAN) == {State.DRAFT: 1, State.SUBMITTED: 1, State.ACTIVE: 1}
    assert progress.of_person(MINH) == {State.SUBMITTED: 1}
    market = progress.of_market(registration.market_id)
    assert market == {State.DRAFT: 1, State.SUBMITTED: 2, State.ACTIVE: 1}
    assert progress.of_person(new_id("usr")) == {}
    store.decide(store.register(another(4), MINH).merchant_id, Action.RETURN, LAN, "thiếu ảnh quầy")
    assert progress.of_person(MINH) == {State.SUBMITTED: 1, State.DRAFT: 1, progress.RETURNED: 1}


def test_a_person_is_in_one_team_and_a_team_is_changed_by_one_at_a_time() -> None:
    team = Team(new_id("tea"), "Tổ số xóm Soi Vàng", "05488", (LAN,))
    made = assist.put_team(team)
    assert (made.version, assist.put_team(team)) == (1, made)
    assert assist.team_of(LAN) == assist.team(team.team_id) == made
    with pytest.raises(AlreadyExists):
        assist.put_team(Team(new_id("tea"), "Tổ khác", "05488", (LAN, MINH)))
    with pytest.raises(Contention):
        assist.put_team(replace(team, name="Tên mới"))
    grown = assist.put_team(replace(made, members=(LAN, MINH)))
    assert (grown.version, assist.team_of(MINH)) == (2, grown)
    with pytest.raises(Contention):
        assist.put_team(replace(made, members=()))
    emptied = assist.put_team(replace(grown, members=()))
    assert (emptied.members, assist.team_of(LAN)) == ((), None)
    # Two teams without members are no collision.
    assist.put_team(Team(new_id("tea"), "Tổ mới", "05488", ()))
    with pytest.raises(NotFound):
        assist.team(new_id("tea"))
    with pytest.raises(NotFound):
        assist.put_team(Team(new_id("tea"), "Tổ", "05488", (), 3))
