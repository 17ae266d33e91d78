"""Reserving and selling on a real MongoDB-wire server: many at once, cut off anywhere, too late, and too often."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.errors import (
    Contention,
    DomainError,
    IdempotencyConflict,
    InvalidArgument,
    NotFound,
    OutOfStock,
    ProductNotForSale,
    TooManyOpen,
    WrongState,
)
from kit.ids import new_id, new_key
from kit.outbox import WAITING_MAX
from services.catalog import store
from services.catalog.merchant import Merchant
from services.catalog.product import State as ProductState
from services.catalog.product import offer
from services.catalog.stock import expiry, steps, ties
from services.catalog.stock import shelf as shelves
from services.catalog.stock import store as reservations
from services.catalog.stock.documents import CatalogReservation
from services.catalog.stock.reservation import Line, Reservation, State
from services.catalog.stock.shelf import Hold, Lot

pytestmark = pytest.mark.usefixtures("database")
MerchantFact = Callable[..., events_pb2.MerchantChanged]


class Clock:
    """The time as this test has it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = timedelta()
        really = clock.now_ms
        monkeypatch.setattr(clock, "now_ms", lambda: really() + self._ahead // timedelta(milliseconds=1))

    def forward(self, by: timedelta) -> None:
        self._ahead += by


@pytest.fixture(name="time")
def _time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def merchant(merchant_changed: MerchantFact) -> Merchant:
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    return store.merchant(changed.merchant_id)


@pytest.fixture
def listed(merchant: Merchant) -> Callable[..., str]:
    """Lists a product; its id."""

    def made(stock: int = 10, unit: str = "bó") -> str:
        return store.create(merchant, offer("Rau ngót", "", unit, 8_000, stock), "usr", new_key()).id

    return made


@pytest.fixture(autouse=True)
def _everything_adds_up(database: None) -> Iterator[None]:
    yield
    assert ties.look().wrong == {}


def soon() -> datetime:
    return clock.now() + timedelta(minutes=15)


def reserve(order_id: str, **quantities: int) -> Reservation:
    return steps.reserve(order_id, lines(quantities), soon())


def lines(quantities: dict[str, int]) -> list[Line]:
    return [Line(product_id, quantity) for product_id, quantity in quantities.items()]


def stock(product_id: str) -> tuple[int, int, int]:
    """For sale, set aside, sold."""
    product = store.product(product_id)
    lots = product.shelf.lots
    return product.available, sum(lot.reserved for lot in lots), sum(lot.sold for lot in lots)


def published(product_id: str) -> list[str]:
    """What the relay would publish of a product now; and does."""
    document = store.CatalogProduct.objects(id=product_id).get()
    store.CatalogProduct.objects(id=product_id).update(set__outbox=[])
    return [event.type for event in document.outbox]


def test_what_is_reserved_cannot_be_sold_to_another_and_is_told(listed: Callable[..., str]) -> None:
    product_id = listed(10)
    made = reserve("ord_1", **{product_id: 7})
    assert (made.state, made.complete) == (State.OPEN, True)
    (line,) = made.reserved
    assert (line.quantity, line.price, line.unit, line.grams_per_unit) == (7, 8_000, "bó", 0)
    assert stock(product_id) == (3, 7, 0)
    with pytest.raises(OutOfStock) as refused:
        reserve("ord_2", **{product_id: 4})
    assert refused.value.details == {"product_id": product_id, "left": "3"}
    waiting = store.CatalogProduct.objects(id=product_id).get().outbox
    told = events_pb2.ProductChanged.FromString(waiting[-1].data)
    assert (told.stock, told.available, told.version) == (3, 3, 2)
    assert store.CatalogProduct.objects(id=product_id).get().stock == 3


def test_what_is_weighed_is_set_aside_by_the_gram(listed: Callable[..., str]) -> None:
    product_id = listed(2, "kg")
    (line,) = reserve("ord_1", **{product_id: 350}).reserved
    assert (line.quantity, line.grams_per_unit) == (350, 1_000)
    product = store.product(product_id)
    assert (product.available, product.offer.stock) == (1_650, 1)


def test_the_same_reservation_again_is_answered_alike_and_another_conflicts(listed: Callable[..., str]) -> None:
    product_id, other = listed(), listed()
    made = reserve("ord_1", **{product_id: 2, other: 3})
    assert reserve("ord_1", **{other: 3, product_id: 2}) == made
    assert stock(product_id) == (8, 2, 0)
    for quantities in ({product_id: 2}, {product_id: 2, other: 4}):
        with pytest.raises(IdempotencyConflict):
            reserve("ord_1", **quantities)


def test_all_or_nothing_and_a_refusal_is_the_orders_answer_for_good(listed: Callable[..., str]) -> None:
    first, last = sorted([listed(10), listed(1)])
    wanted = {first: 2, last: 2}
    with pytest.raises(OutOfStock) as refused:
        reserve("ord_1", **wanted)
    assert stock(first)[1] == stock(last)[1] == 0
    scarce = refused.value.details["product_id"]
    store.update(store.product(scarce), {"stock": 50})
    with pytest.raises(OutOfStock) as again:
        reserve("ord_1", **wanted)
    assert again.value.details == refused.value.details
    assert again.value.message == refused.value.message
    with pytest.raises(WrongState):
        steps.sell("ord_1", lines(wanted))
    assert reserve("ord_2", **wanted).complete


def test_what_is_not_on_sale_is_not_reserved_but_what_is_reserved_is_sold(
    listed: Callable[..., str], merchant: Merchant, merchant_changed: MerchantFact
) -> None:
    product_id, unknown = listed(), new_id("prd")
    with pytest.raises(ProductNotForSale) as refused:
        reserve("ord_0", **{unknown: 1})
    assert refused.value.details == {"product_id": unknown}
    reserve("ord_1", **{product_id: 2})
    reserve("ord_2", **{product_id: 2})
    store.update(store.product(product_id), {"state": ProductState.HIDDEN})
    with pytest.raises(ProductNotForSale):
        reserve("ord_3", **{product_id: 1})
    with pytest.raises(ProductNotForSale):
        steps.sell("ord_1", lines({product_id: 3}))
    assert steps.sell("ord_1", lines({product_id: 2})).state is State.SOLD
    store.update(store.product(product_id), {"state": ProductState.PUBLISHED})
    store.apply_merchant(
        "merchant.suspended", merchant_changed(merchant_id=merchant.id, owner_id=merchant.owner_id, version=3)
    )
    with pytest.raises(ProductNotForSale):
        reserve("ord_4", **{product_id: 1})
    assert steps.sell("ord_2", lines({product_id: 1})).state is State.SOLD
    assert stock(product_id) == (7, 0, 3)


@pytest.mark.parametrize(
    ("order_id", "wanted", "ahead_s"),
    [
        ("", {"p": 1}, 60),
        ("x" * 65, {"p": 1}, 60),
        ("a\nb", {"p": 1}, 60),
        ("o", {}, 60),
        ("o", {f"p{n}": 1 for n in range(51)}, 60),
        ("o", {"": 1}, 60),
        ("o", {"p": 0}, 60),
        ("o", {"p": -1}, 60),
        ("o", {"p": 10**9 + 1}, 60),
        ("o", {"p": 1}, 0),
        ("o", {"p": 1}, 31 * 86_400),
    ],
)
def test_what_a_reservation_may_not_be_is_refused_and_leaves_nothing(
    order_id: str, wanted: dict[str, int], ahead_s: int
) -> None:
    with pytest.raises(InvalidArgument):
        steps.reserve(order_id, lines(wanted), clock.now() + timedelta(seconds=ahead_s))
    assert CatalogReservation.objects.count() == 0
    with pytest.raises(InvalidArgument):
        steps.reserve("o", [Line("p", 1), Line("p", 2)], soon())


def test_two_hundred_buyers_of_the_last_ten_get_ten(listed: Callable[..., str]) -> None:
    product_id = listed(10)

    def buy(number: int) -> str:
        try:
            return reserve(f"ord_{number}", **{product_id: 1}).state
        except OutOfStock:
            return "none left"

    with ThreadPoolExecutor(200) as pool:
        outcomes = list(pool.map(buy, range(200)))
    assert sorted(set(outcomes)) == ["none left", "open"]
    assert outcomes.count("open") == 10
    assert stock(product_id) == (0, 10, 0)
    # However many changes there were, the last waiting event says them all.
    assert published(product_id) == ["product.listed", "product.changed"]


def test_two_hundred_buyers_in_several_processes_get_ten(
    listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the queue of one process, only the condition of the write keeps them apart."""

    class Open:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(store, "_QUEUES", (Open(),))
    product_id = listed(10)

    def buy(number: int) -> str:
        while True:
            try:
                return reserve(f"ord_{number}", **{product_id: 1}).state
            except OutOfStock:
                return "none left"
            except Contention:
                continue

    with ThreadPoolExecutor(24) as pool:
        outcomes = list(pool.map(buy, range(200)))
    assert outcomes.count("open") == 10
    assert stock(product_id) == (0, 10, 0)


def test_the_same_order_many_times_at_once_is_set_aside_and_sold_once(listed: Callable[..., str]) -> None:
    first, last = listed(10), listed(10)
    wanted = {first: 3, last: 4}
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: again(lambda: reserve("ord_1", **wanted)), range(8)))
        assert [one.reserved for one in made] == [made[0].reserved] * 8
        assert (stock(first), stock(last)) == ((7, 3, 0), (6, 4, 0))
        sold = list(pool.map(lambda _: again(lambda: steps.sell("ord_1", lines({first: 2, last: 5}))), range(8)))
    assert {one.state for one in sold} == {State.SOLD}
    assert (stock(first), stock(last)) == ((8, 0, 2), (5, 0, 5))


def again(call: Callable[[], Reservation]) -> Reservation:
    """As a client does that is told of contention."""
    while True:
        try:
            return call()
        except Contention:
            continue


def test_final_quantities_are_sold_the_rest_goes_back_and_more_is_taken_if_there_is(listed: Callable[..., str]) -> None:
    product_id, other = listed(10), listed(10)
    reserve("ord_1", **{product_id: 4, other: 4})
    sold = steps.sell("ord_1", [Line(product_id, 3), Line(other, 0)])
    assert (sold.state, [one.quantity for one in sold.reserved]) == (State.SOLD, [3])
    assert (stock(product_id), stock(other)) == ((7, 0, 3), (10, 0, 0))
    assert steps.sell("ord_1", lines({product_id: 3})) == sold
    with pytest.raises(IdempotencyConflict):
        steps.sell("ord_1", lines({product_id: 4}))
    assert reserve("ord_1", **{product_id: 4, other: 4}).state is State.SOLD
    with pytest.raises(WrongState):
        steps.release("ord_1")

    reserve("ord_2", **{product_id: 4})
    with pytest.raises(OutOfStock):
        steps.sell("ord_2", lines({product_id: 8}))
    assert stock(product_id) == (3, 4, 3)
    steps.sell("ord_2", lines({product_id: 7}))
    assert stock(product_id) == (0, 0, 10)


def test_a_sale_of_nothing_or_of_something_else_is_refused(listed: Callable[..., str]) -> None:
    product_id, other = listed(), listed()
    reserve("ord_1", **{product_id: 1})
    for sale in ({product_id: 0}, {other: 1}, {product_id: -1}):
        with pytest.raises(InvalidArgument):
            steps.sell("ord_1", lines(sale))
    with pytest.raises(NotFound):
        steps.sell("ord_unknown", lines({product_id: 1}))
    assert stock(product_id) == (9, 1, 0)


def test_what_is_released_is_for_sale_again_however_often(listed: Callable[..., str]) -> None:
    product_id = listed()
    reserve("ord_1", **{product_id: 4})
    for _ in range(2):
        released = steps.release("ord_1")
        assert released is not None
        assert released.state is State.RELEASED
        assert stock(product_id) == (10, 0, 0)
    with pytest.raises(WrongState):
        reserve("ord_1", **{product_id: 4})


def test_a_release_that_overtakes_its_reservation_is_final(listed: Callable[..., str]) -> None:
    product_id = listed()
    assert steps.release("ord_1") is None
    assert steps.release("ord_1") is None
    with pytest.raises(WrongState):
        reserve("ord_1", **{product_id: 4})
    with pytest.raises(NotFound):
        steps.sell("ord_1", lines({product_id: 4}))
    assert stock(product_id) == (10, 0, 0)


def test_the_worker_ends_what_is_over_once_and_tells_so(listed: Callable[..., str], time: Clock) -> None:
    product_id, other = listed(), listed()
    reserve("ord_1", **{product_id: 4, other: 1})
    reserve("ord_2", **{product_id: 2})
    steps.extend("ord_2", clock.now() + timedelta(hours=1))
    published(product_id)
    assert expiry.tick() == 0
    time.forward(timedelta(minutes=16))
    with pytest.raises(WrongState):
        steps.extend("ord_1", soon())
    expiry.tick()
    assert (stock(product_id), stock(other)) == ((8, 2, 0), (10, 0, 0))
    expired = reservations.reservation("ord_1")
    assert expired is not None
    assert expired.state is State.EXPIRED
    waiting = store.CatalogProduct.objects(id=product_id).get().outbox
    (told,) = [event for event in waiting if event.type == "stock.reservation_expired"]
    fact = events_pb2.StockReservationExpired.FromString(told.data)
    assert (told.subject, fact.order_id, fact.product_id) == ("ord_1", "ord_1", product_id)
    assert waiting[-1].type == "product.changed"
    version = store.product(product_id).version
    assert expiry.tick() == 0
    assert store.product(product_id).version == version
    with pytest.raises(WrongState):
        reserve("ord_1", **{product_id: 4, other: 1})
    time.forward(timedelta(hours=1))
    expiry.tick()
    assert stock(product_id) == (10, 0, 0)


def test_a_product_that_breaks_off_keeps_no_other_from_its_end(
    listed: Callable[..., str], time: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, product_id = listed(), listed()
    reserve("ord_1", **{broken: 4})
    reserve("ord_2", **{product_id: 2})
    look_at = steps.look_at

    def breaks(hold: Hold, of: str, now: datetime) -> None:
        assert of != broken, "a fault of ours"
        look_at(hold, of, now)

    monkeypatch.setattr(steps, "look_at", breaks)
    time.forward(timedelta(minutes=16))
    assert expiry.tick() == 2
    assert (stock(broken), stock(product_id)) == ((6, 4, 0), (10, 0, 0))


@pytest.mark.parametrize("failure", [Contention("not now"), ZeroDivisionError("a fault of ours")])
def test_an_order_that_breaks_off_keeps_no_other_of_its_product_from_its_end(
    listed: Callable[..., str], time: Clock, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    product_id = listed()
    reserve("ord_1", **{product_id: 4})
    reserve("ord_2", **{product_id: 2})
    look_at = steps.look_at

    def breaks(hold: Hold, of: str, now: datetime) -> None:
        if hold.order_id == "ord_1":
            raise failure
        look_at(hold, of, now)

    monkeypatch.setattr(steps, "look_at", breaks)
    time.forward(timedelta(minutes=16))
    expiry.tick()
    assert stock(product_id) == (6, 4, 0)
    version = store.product(product_id).version
    expiry.tick()
    assert store.product(product_id).version == version


def test_a_reservation_that_is_shortened_ends_at_its_new_time(listed: Callable[..., str], time: Clock) -> None:
    product_id = listed()
    reserve("ord_1", **{product_id: 4})
    steps.extend("ord_1", clock.now() + timedelta(minutes=1))
    time.forward(timedelta(minutes=2))
    assert expiry.tick() == 1
    assert stock(product_id) == (10, 0, 0)


def test_a_sale_that_comes_too_late_takes_what_is_there_or_nothing(listed: Callable[..., str], time: Clock) -> None:
    product_id, other = listed(), listed()
    for order_id in ("ord_1", "ord_2", "ord_3"):
        reserve(order_id, **{product_id: 3, other: 3})
    steps.release("ord_3")
    time.forward(timedelta(minutes=16))
    # Nobody has looked yet.
    assert steps.sell("ord_1", lines({product_id: 3, other: 3})).state is State.SOLD
    expiry.tick()
    assert stock(product_id) == (7, 0, 3)
    assert steps.sell("ord_3", lines({product_id: 1, other: 1})).state is State.SOLD
    store.update(store.product(other), {"stock": 2})
    with pytest.raises(OutOfStock):
        steps.sell("ord_2", lines({product_id: 3, other: 3}))
    assert (stock(product_id), stock(other)) == ((6, 0, 4), (2, 0, 4))
    assert steps.sell("ord_2", lines({product_id: 3, other: 2})).state is State.SOLD


def test_lots_past_their_day_are_not_sold_and_the_worker_tells_so(listed: Callable[..., str], time: Clock) -> None:
    product_id = listed(5)
    milk = Lot(new_id("lot"), 4, 4, sell_by=clock.today())
    store.change(product_id, lambda found: replace(found, shelf=shelves.receive(found.shelf, milk)))
    assert store.product(product_id).available == 9
    (line,) = reserve("ord_1", **{product_id: 1}).reserved
    assert line.takes[0].lot_id == milk.id
    steps.extend("ord_1", clock.now() + timedelta(days=2))
    published(product_id)
    time.forward(timedelta(days=1))
    assert store.product(product_id).available == 5
    expiry.tick()
    told = store.CatalogProduct.objects(id=product_id).get().outbox[-1]
    assert events_pb2.ProductChanged.FromString(told.data).available == 5
    with pytest.raises(OutOfStock):
        reserve("ord_2", **{product_id: 6})
    # It was set aside while it was good; what the stall hands over is the stall's word.
    assert steps.sell("ord_1", lines({product_id: 1})).state is State.SOLD


def test_a_product_is_set_aside_for_so_many_orders_at_most(
    listed: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "HOLDS_MAX", 2)
    product_id = listed()
    reserve("ord_1", **{product_id: 1})
    reserve("ord_2", **{product_id: 1})
    with pytest.raises(TooManyOpen):
        reserve("ord_3", **{product_id: 1})
    steps.release("ord_1")
    assert reserve("ord_3", **{product_id: 1}).complete


def test_events_that_cannot_leave_do_not_pile_up(listed: Callable[..., str]) -> None:
    product_id = listed(1_000)
    for number in range(WAITING_MAX + 10):
        reserve(f"ord_{number}", **{product_id: 1})
    assert published(product_id) == ["product.listed", "product.changed"]


# --- cut off


class Died(BaseException):
    """As by kill -9: nothing after it runs."""


STORED = ("begin", "move", "set_aside", "give_back", "sell")


def dies(monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
    """Dies before, or after, the `at`th thing that is stored."""
    done = iter(range(1_000_000))

    def mortal(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **named: Any) -> Any:
            last = next(done) == at
            if last and not after:
                raise Died
            result = call(*args, **named)
            if last:
                raise Died
            return result

        return called

    for name in STORED:
        monkeypatch.setattr(reservations, name, mortal(getattr(reservations, name)))


# More than any of the calls below stores.
PLACES = [(at, after) for at in range(8) for after in (False, True)]


def cut_off(at: int, after: bool, call: Callable[[], object]) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        dies(patch, at, after=after)
        try:
            call()
        except Died:
            return True
        except DomainError:
            return False
        return False


@pytest.mark.parametrize(("at", "after"), PLACES)
def test_a_reservation_that_was_cut_off_goes_on_or_ends_by_the_clock(
    listed: Callable[..., str], time: Clock, at: int, after: bool
) -> None:
    first, last = listed(), listed()
    wanted = {first: 3, last: 4}
    cut_off(at, after, lambda: reserve("ord_1", **wanted))
    cut_off(at, after, lambda: reserve("ord_2", **wanted))
    assert reserve("ord_1", **wanted).complete
    assert stock(first)[1] in (3, 6)
    time.forward(timedelta(minutes=16))
    expiry.tick()
    assert (stock(first), stock(last)) == ((10, 0, 0), (10, 0, 0))


@pytest.mark.parametrize(("at", "after"), PLACES)
def test_a_refusal_that_was_cut_off_keeps_nothing(
    listed: Callable[..., str], time: Clock, at: int, after: bool
) -> None:
    products = sorted(listed(10) for _ in range(3))
    store.update(store.product(products[-1]), {"stock": 1})
    wanted = dict.fromkeys(products, 2)
    cut_off(at, after, lambda: reserve("ord_1", **wanted))
    with pytest.raises(OutOfStock):
        reserve("ord_1", **wanted)
    cut_off(at, after, lambda: reserve("ord_2", **wanted))
    time.forward(timedelta(minutes=16))
    expiry.tick()
    assert [stock(product_id) for product_id in products] == [(10, 0, 0), (10, 0, 0), (1, 0, 0)]


@pytest.mark.parametrize(("at", "after"), PLACES)
def test_a_sale_that_was_cut_off_is_finished_or_never_began(
    listed: Callable[..., str], time: Clock, at: int, after: bool
) -> None:
    first, last = listed(), listed()
    for order_id in ("ord_1", "ord_2"):
        reserve(order_id, **{first: 3, last: 3})
    sale = lines({first: 4, last: 2})
    cut_off(at, after, lambda: steps.sell("ord_1", sale))
    steps.sell("ord_1", sale)
    assert (stock(first), stock(last)) == ((3, 3, 4), (5, 3, 2))
    cut_off(at, after, lambda: steps.sell("ord_2", sale))
    time.forward(timedelta(minutes=16))
    expiry.tick()
    known = reservations.reservation("ord_2")
    assert known is not None
    bought = known.state in (State.SELLING, State.SOLD)
    assert known.state in (State.SELLING, State.SOLD, State.EXPIRED)
    assert (stock(first), stock(last)) == (((2, 0, 8), (6, 0, 4)) if bought else ((6, 0, 4), (8, 0, 2)))
    assert steps.sell("ord_2", sale).state is State.SOLD
    assert (stock(first), stock(last)) == ((2, 0, 8), (6, 0, 4))


@pytest.mark.parametrize(("at", "after"), PLACES)
def test_a_late_sale_that_was_cut_off_is_finished_or_ends(
    listed: Callable[..., str], time: Clock, at: int, after: bool
) -> None:
    first, last = sorted([listed(), listed()])
    reserve("ord_1", **{first: 3, last: 3})
    time.forward(timedelta(minutes=16))
    cut_off(at, after, expiry.tick)
    store.update(store.product(last), {"stock": 1})
    sale = lines({first: 3, last: 3})
    cut_off(at, after, lambda: steps.sell("ord_1", sale))
    time.forward(timedelta(minutes=16))
    for _ in range(2):
        expiry.tick()
    known = reservations.reservation("ord_1")
    assert known is not None
    if known.state in (State.SELLING, State.SOLD):
        assert (stock(first)[1:], stock(last)[1:]) == ((0, 3), (0, 3))
    else:
        assert (stock(first)[1:], stock(last)[1:]) == ((0, 0), (0, 0))


@pytest.mark.parametrize(("at", "after"), PLACES)
def test_a_release_that_was_cut_off_is_made_good(listed: Callable[..., str], time: Clock, at: int, after: bool) -> None:
    first, last = listed(), listed()
    for order_id in ("ord_1", "ord_2"):
        reserve(order_id, **{first: 3, last: 3})
    cut_off(at, after, lambda: steps.release("ord_1"))
    cut_off(at, after, lambda: steps.release("ord_2"))
    steps.release("ord_1")
    time.forward(timedelta(minutes=16))
    expiry.tick()
    assert (stock(first), stock(last)) == ((10, 0, 0), (10, 0, 0))


def test_what_a_call_sets_aside_after_the_end_is_given_back_by_the_clock(
    listed: Callable[..., str], time: Clock
) -> None:
    """It had read the reservation while it was open, and was then held up for long."""
    product_id = listed()
    slow = reservations.begin("ord_1", [Line(product_id, 3)], soon())
    steps.release("ord_1")
    reservations.set_aside(slow, slow.lines[0])
    assert stock(product_id) == (7, 3, 0)
    time.forward(timedelta(minutes=16))
    expiry.tick()
    assert stock(product_id) == (10, 0, 0)


def test_what_a_call_would_set_aside_after_the_sale_is_not(listed: Callable[..., str]) -> None:
    product_id = listed()
    slow = reserve("ord_1", **{product_id: 3})
    steps.sell("ord_1", lines({product_id: 3}))
    with pytest.raises(Contention):
        reservations.set_aside(slow, slow.lines[0])
    assert stock(product_id) == (7, 0, 3)


def test_an_end_that_was_held_up_takes_nothing_from_a_sale_that_came_meanwhile(
    listed: Callable[..., str], time: Clock
) -> None:
    product_id = listed()
    ended = reserve("ord_1", **{product_id: 3})
    time.forward(timedelta(minutes=16))
    expiry.tick()
    with pytest.MonkeyPatch.context() as patch:
        # The late sale has set aside and is about to decide when the end gives back, and gives back again.
        move = reservations.move

        def decide(before: Reservation, after: Reservation) -> Reservation | None:
            if after.state is State.SELLING:
                reservations.give_back("ord_1", ended.turn, product_id, expired=True)
            return move(before, after)

        patch.setattr(reservations, "move", decide)
        steps.sell("ord_1", lines({product_id: 3}))
    assert stock(product_id) == (7, 0, 3)
