"""Whose account it is by their citizen card: one person whatever their phones, until they are forgotten."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import grpc
import pytest
from cho.events.v1 import events_pb2
from cho.identity.v1 import citizen_pb2 as pb
from cho.identity.v1 import citizen_pb2_grpc, identity_pb2, identity_pb2_grpc, privacy_pb2, privacy_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st
from mongoengine.queryset import QuerySet
from structlog.testing import capture_logs

from kit import clock, crypto
from kit.errors import AlreadyExists, Contention, InvalidArgument, WrongState
from kit.identifiers.citizen import Card
from services.identity import store
from services.identity.citizen import check_card
from services.identity.store import holders
from services.identity.user import User
from tests.identity.calls import refused, with_pin
from tests.identity.conftest import PHONE, PIN, Clock, claims

NUMBER, OTHER_NUMBER = "019185000123", "019185000124"
SECOND_PHONE = "0987654321"
AGENT = claims("usr_team", "team")


def payload(number: str = NUMBER, name: str = "Nguyễn Thị Lan", issued: str = "01022024") -> str:
    return f"{number}||{name}|15031985|Nữ|Thái Nguyên|{issued}"


def asks(phone: str = PHONE, card: str = "") -> pb.IdentifyPersonRequest:
    return pb.IdentifyPersonRequest(phone=phone, payload=card or payload())


@pytest.fixture
def citizens(channel: grpc.Channel, staff: None) -> citizen_pb2_grpc.CitizenServiceStub:
    return citizen_pb2_grpc.CitizenServiceStub(channel)


def another(hasher: store.Hasher, phone: str = SECOND_PHONE) -> User:
    return store.create_user(phone, PIN, "Nguyễn Thị Lan", ["shopper"], hasher=hasher)


def person_id(user: User) -> str:
    return str(store.person(user.user_id).person_id or "")


def identify(user: User, number: str = NUMBER) -> str:
    return str(store.identify(store.person(user.user_id), number, "usr_team", clock.now()).person_id)


# Binding


def test_who_is_identified_is_told_of_as_a_person_and_never_by_their_number(
    citizens: citizen_pb2_grpc.CitizenServiceStub, shopper: User, identity: identity_pb2_grpc.IdentityServiceStub
) -> None:
    me = with_pin(shopper.user_id, "shopper", clock.now())
    assert not identity.GetMe(identity_pb2.GetMeRequest(), metadata=me).user.identified
    with capture_logs() as logs:
        reply = citizens.IdentifyPerson(asks(), metadata=AGENT)
    assert reply.user_id == shopper.user_id
    assert identity.GetMe(identity_pb2.GetMeRequest(), metadata=me).user.identified
    stored = store.Person.objects.get(id=shopper.user_id)
    told = events_pb2.UserChanged.FromString(stored.outbox[-1].data)
    assert (stored.outbox[-1].type, told.person_id, told.version) == ("user.changed", stored.person_id, 2)
    assert told.person_id.startswith("prs_")
    assert stored.identified_by == "usr_team"
    everything = repr(store.Person._get_collection().find_one({"_id": shopper.user_id})) + repr(logs)
    everything += repr(list(store.Holder._get_collection().find()))
    assert NUMBER not in everything
    assert NUMBER.encode() not in stored.outbox[-1].data


def test_the_same_card_again_changes_nothing(citizens: citizen_pb2_grpc.CitizenServiceStub, shopper: User) -> None:
    first = citizens.IdentifyPerson(asks(), metadata=AGENT)
    assert citizens.IdentifyPerson(asks(), metadata=AGENT) == first
    assert store.person(shopper.user_id).version == 2


def test_two_phones_with_one_card_are_one_person_and_with_two_cards_two(
    shopper: User, hasher: store.Hasher, staff: None
) -> None:
    second, third = another(hasher), another(hasher, "0977000111")
    assert identify(shopper) == identify(second) != ""
    assert identify(third, OTHER_NUMBER) != person_id(shopper)


def test_an_account_is_bound_to_one_card_for_good(citizens: citizen_pb2_grpc.CitizenServiceStub, shopper: User) -> None:
    citizens.IdentifyPerson(asks(), metadata=AGENT)
    assert refused(citizens.IdentifyPerson, asks(card=payload(OTHER_NUMBER)), AGENT) == "ALREADY_EXISTS"
    assert store.citizen_id_of(store.person(shopper.user_id)) == NUMBER


def test_nobody_identifies_themselves_and_nobody_who_is_not_there(
    citizens: citizen_pb2_grpc.CitizenServiceStub, shopper: User
) -> None:
    assert refused(citizens.IdentifyPerson, asks("0900999888"), AGENT) == "NOT_FOUND"
    store.Person.objects(id=shopper.user_id).update_one(set__roles=["team"])
    assert refused(citizens.IdentifyPerson, asks(), claims(shopper.user_id, "team")) == "FOUR_EYES"
    assert person_id(shopper) == ""


def test_nobody_identifies_a_second_account_of_their_own(
    citizens: citizen_pb2_grpc.CitizenServiceStub, shopper: User, hasher: store.Hasher
) -> None:
    second = another(hasher)
    store.Person.objects(id=shopper.user_id).update_one(set__roles=["team"])
    identify(shopper)
    mine = claims(shopper.user_id, "team")
    assert refused(citizens.IdentifyPerson, asks(SECOND_PHONE), mine) == "FOUR_EYES"
    assert person_id(second) == ""
    citizens.IdentifyPerson(asks(SECOND_PHONE, payload(OTHER_NUMBER)), metadata=mine)


@pytest.mark.parametrize(
    "card",
    [
        "",
        "not a card",
        payload("019185"),
        payload("999185000123"),  # no such province
        payload("019385000123"),  # of the next century
        payload("019085000123"),  # a man's
        payload("019186000123"),  # of another year
        payload(name="Trần Văn Bình"),  # somebody else's card
        payload(name="Nguyễn Thị \u202eLan"),
        payload(issued="01022099"),  # not issued yet
        payload(issued="01022005"),  # expired at 25
        payload() + "\x00" * 1_000,
    ],
)
def test_a_card_that_cannot_be_theirs_is_refused_and_nothing_is_kept(
    citizens: citizen_pb2_grpc.CitizenServiceStub, shopper: User, card: str
) -> None:
    assert refused(citizens.IdentifyPerson, pb.IdentifyPersonRequest(phone=PHONE, payload=card), AGENT) == (
        "INVALID_ARGUMENT"
    )
    assert person_id(shopper) == ""
    assert not store.Holder.objects


def test_an_account_typed_without_diacritics_is_the_cards() -> None:
    today = date(2026, 3, 1)
    card = Card(
        number=NUMBER, old_number="", name="Nguyễn Thị Lan", birth=date(1985, 3, 15), sex="female",
        address="Thái Nguyên", issued=date(2024, 2, 1),
    )  # fmt: skip
    assert check_card(card, "NGUYEN THI LAN", today) == NUMBER
    with pytest.raises(InvalidArgument):
        check_card(card, "Nguyễn Thị Lanh", today)


# At once, and cut short


def test_accounts_of_one_person_that_are_identified_at_once_are_one_person(
    database: None, hasher: store.Hasher
) -> None:
    users = [another(hasher, f"09770001{n:02}") for n in range(holders.ACCOUNTS_MAX)]
    with ThreadPoolExecutor(len(users)) as pool:
        found = list(pool.map(identify, users))
    assert len(set(found)) == 1
    (holder,) = store.Holder.objects
    assert sorted(holder.accounts) == sorted(user.user_id for user in users)


def test_one_account_that_two_cards_are_shown_for_at_once_has_one_of_them(shopper: User) -> None:
    read = [store.person(shopper.user_id) for _ in range(2)]

    def bind(number: str) -> str:
        try:
            return str(store.identify(read.pop(), number, "usr_team", clock.now()).person_id)
        except AlreadyExists:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(bind, (NUMBER, OTHER_NUMBER)))
    assert outcomes == sorted(["refused", person_id(shopper)])
    lists = {holder.person_id: list(holder.accounts) for holder in store.Holder.objects}
    assert lists == {person_id(shopper): [shopper.user_id]}, "a card that is nobody's here is not kept"


def test_what_was_cut_short_after_the_first_write_is_finished_by_the_next_try(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(holders, "user_changed", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            identify(shopper)
    assert person_id(shopper) == ""
    (holder,) = store.Holder.objects
    assert identify(shopper) == holder.person_id


def test_a_change_of_the_account_at_the_same_moment_is_not_lost(shopper: User) -> None:
    read = store.person(shopper.user_id)
    store.Person.objects(id=shopper.user_id).update_one(inc__version=1)
    with pytest.raises(Contention):
        store.identify(read, NUMBER, "usr_team", clock.now())
    assert identify(shopper) != ""


def test_one_card_is_shown_for_so_many_accounts_and_no_more(database: None, hasher: store.Hasher) -> None:
    users = [another(hasher, f"09770001{n:02}") for n in range(holders.ACCOUNTS_MAX + 1)]
    for user in users[:-1]:
        identify(user)
    with pytest.raises(WrongState):
        identify(users[-1])
    assert identify(users[0]) != "", "who is in it stays"


# Looked at, exported, forgotten


def test_the_number_is_shown_for_a_purpose_exported_to_its_owner_and_forgotten_with_them(
    channel: grpc.Channel, shopper: User, staff: None
) -> None:
    privacy = privacy_pb2_grpc.PrivacyServiceStub(channel)
    identify(shopper)
    reveal = privacy_pb2.RevealFieldRequest(
        user_id=shopper.user_id, field=privacy_pb2.PERSONAL_FIELD_CITIZEN_ID, reason="đối chiếu theo yêu cầu ngân hàng"
    )
    assert privacy.RevealField(reveal, metadata=with_pin("usr_operator", "operator", clock.now())).value == NUMBER
    me = with_pin(shopper.user_id, "shopper", clock.now())
    known = json.loads(privacy.ExportMyData(privacy_pb2.ExportMyDataRequest(), metadata=me).data)
    assert (known["citizen_id"], [line["field"] for line in known["looked_at_by"]]) == (NUMBER, ["users.citizen"])
    assert known["identified_at"]
    privacy.EraseMe(privacy_pb2.EraseMeRequest(money_withdrawn=True), metadata=me)
    stored = store.Person._get_collection().find_one({"_id": shopper.user_id})
    assert not {"citizen", "person_id", "identified_at", "identified_by"} & stored.keys()
    (holder,) = store.Holder.objects
    assert list(holder.accounts) == []
    assert holder.forgotten_at is not None


def test_who_was_forgotten_comes_back_as_somebody_new_when_the_months_limits_are_over(
    shopper: User, hasher: store.Hasher
) -> None:
    before = identify(shopper)
    store.erase(shopper.user_id, clock.now())
    back = store.person(another(hasher, PHONE).user_id)
    with pytest.raises(WrongState):
        store.identify(back, NUMBER, "usr_team", clock.now() + holders.FORGOTTEN_FOR - timedelta(hours=1))
    later = clock.now() + holders.FORGOTTEN_FOR + timedelta(hours=1)
    assert store.identify(back, NUMBER, "usr_team", later).person_id not in ("", before)


def test_a_person_lives_on_in_the_account_that_is_left(shopper: User, hasher: store.Hasher) -> None:
    second = another(hasher)
    before = identify(shopper)
    identify(second)
    store.erase(shopper.user_id, clock.now())
    (holder,) = store.Holder.objects
    assert (list(holder.accounts), holder.forgotten_at) == ([second.user_id], None)
    assert identify(another(hasher, "0977000111")) == before


def test_an_erasure_that_comes_in_between_leaves_nobody_in_the_list(shopper: User) -> None:
    read = store.person(shopper.user_id)
    store.erase(shopper.user_id, clock.now())
    with pytest.raises(Contention):
        store.identify(read, NUMBER, "usr_team", clock.now())
    assert not store.Holder.objects


def test_an_erasure_that_is_cut_short_while_the_list_is_left_forgets_the_number_all_the_same(
    shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    identify(shopper)
    update_one = QuerySet.update_one

    def dies_after(query: QuerySet, **changes: object) -> object:
        done = update_one(query, **changes)
        assert query._document is not store.Holder, "cut short"
        return done

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "update_one", dies_after)
        with pytest.raises(AssertionError, match="cut short"):
            store.erase(shopper.user_id, clock.now())
    assert store.finish_erasures() == 1
    (holder,) = store.Holder.objects
    assert (list(holder.accounts), holder.forgotten_at is None) == ([], False)


@given(st.text("0123456789", min_size=12, max_size=12))
def test_an_index_does_not_say_the_number(number: str) -> None:
    assert number not in crypto.blind_index("users.citizen", number)


def test_the_clock_of_the_server_decides_whether_a_card_has_expired(
    citizens: citizen_pb2_grpc.CitizenServiceStub, shopper: User, moving_clock: Clock
) -> None:
    moving_clock.moved = timedelta(days=365 * 20)
    assert refused(citizens.IdentifyPerson, asks(), AGENT) == "INVALID_ARGUMENT"
