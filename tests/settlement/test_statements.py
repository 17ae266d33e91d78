"""Statements: what the read model says is what the journal says, at any moment, however it was fed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import redis
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from kit.streams.entry import Entry
from services.payments import transfer
from services.settlement import chain, fold, store, trust
from services.settlement.statements import queries
from services.settlement.statements.feed import Feed
from services.settlement.statements.model import ASSETS, KINDS, Cursor, Model, Page, WrongChain, day_of, read_cursor
from services.settlement.statements.queries import Filter
from tests.payments.conftest import Bench
from tests.settlement.conftest import MIDNIGHT_MS, fields_of, journal, trade
from tests.settlement.test_books_moves import Teller

DAY_MS = 86_400_000


def market_days(seed: int, moves: int) -> Teller:
    """Some days of a market, at random: payments, refunds, cash, holds, money between telecoms."""
    chance, teller = random.Random(seed), Teller()
    wallets = {telecom: [teller.wallet(1_000_000, telecom) for _ in range(2)] for telecom in ("VIETTEL", "VNPT")}
    for telecom in wallets:
        own = transfer.reserve(telecom)
        teller.transfer("fund", 5_000_000, transfer.fund(telecom, own, 5_000_000))
    merchants = [teller.merchant(f"mer_{n}") for n in range(2)]
    for _ in range(moves):
        teller.at_ms += chance.choice([0, 1, 500, DAY_MS // 3])
        telecom = chance.choice(["VIETTEL", "VNPT"])
        wallet, merchant, amount = chance.choice(wallets[telecom]), chance.choice(merchants), chance.randint(1, 9_000)
        match chance.randint(0, 4):
            case 0:
                teller.pay(wallet, merchant, amount + 1, min(amount, 7), telecom)
            case 1:
                paid = teller.pay(wallet, merchant, amount, telecom=telecom)
                teller.refund(paid, wallet, merchant, amount, telecom=telecom)
            case 2:
                held = teller.hold(wallets["VIETTEL"][0], merchant, amount)
                if chance.random() < 0.5:
                    teller.capture(held, wallets["VIETTEL"][0], merchant, amount, max(1, amount // 2))
                else:
                    teller.end("void", held, wallets["VIETTEL"][0], merchant, amount)
            case 3:
                other = wallets["VNPT" if telecom == "VIETTEL" else "VIETTEL"][0]
                to = "VNPT" if telecom == "VIETTEL" else "VIETTEL"
                teller.transfer("transfer", amount, transfer.send(wallet, other, telecom, to, amount))
            case 4:
                teller.write("pay", transfer_id="", amount="5", body_hash="h", result="INSUFFICIENT_FUNDS")
    assert fold.replay(teller.events).findings == []
    return teller


def pages(teller: Teller, sizes: Iterator[int] | int = 5) -> list[Page]:
    """The journal in pages of these sizes."""
    made, head, raws, first = [], chain.GENESIS, [], 1
    size = sizes if isinstance(sizes, int) else next(sizes)
    entries = [Entry(event.seq, fields_of(event)) for event in teller.events]
    for entry in entries:
        head = chain.link(head, entry.seq, entry.raw)
        raws.append(entry.raw)
        if len(raws) == size or entry is entries[-1]:
            made.append(Page(len(made) + 1, first, raws, head))
            raws, first = [], entry.seq + 1
            size = sizes if isinstance(sizes, int) else next(sizes)
    return made


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Model]:
    one = Model(tmp_path / "statements.sqlite3")
    yield one
    one.close()


def dump(model: Model) -> list[str]:
    with model.reader() as connection:
        return [row for row in connection.iterdump() if "cursor" not in row]


def balance(account: fold.BookAccount) -> int:
    posted = account.credits - account.debits
    return -posted if account.kind in ASSETS else posted


@given(st.integers(0, 10_000))
@examples(max_examples=15)
def test_every_balance_at_every_event_is_the_books(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    teller = market_days(seed, 25)
    model = Model(tmp_path_factory.mktemp("model") / "s.sqlite3")
    model.apply(Cursor("gen"), pages(teller, 7))
    books = fold.Books()
    with model.reader() as connection:
        for event in teller.events:
            books.apply(event)
            for leg in event.legs:
                found = queries.account(connection, leg.account_id)
                assert found is not None
                assert found.kind in KINDS
                is_ = books.accounts[leg.account_id]
                got = queries.balance_after(connection, found.no, event.seq)
                assert got[0] == balance(is_)
                if found.kind == "wallet":
                    assert got[1] == is_.debits_pending
        for account_id, is_ in books.accounts.items():
            found = queries.account(connection, account_id)
            assert found is not None
            assert (found.kind, found.telecom, found.owner, found.version) == (
                is_.kind, is_.telecom, is_.owner, is_.version,
            )  # fmt: skip
    model.close()


@given(st.integers(0, 1_000), st.lists(st.integers(1, 9), min_size=60, max_size=60), st.integers(1, 4))
@examples(max_examples=15)
def test_however_the_journal_is_cut_and_however_often_the_process_dies_the_model_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, sizes: list[int], at_once: int
) -> None:
    teller = market_days(seed, 20)
    whole = Model(tmp_path_factory.mktemp("model") / "s.sqlite3")
    whole.apply(Cursor("gen"), pages(teller, 1_000))
    path, cut = tmp_path_factory.mktemp("model") / "s.sqlite3", pages(teller, iter(sizes * 100))
    done = 0
    while done < len(cut):
        parts = Model(path)  # another process, every time
        at = parts.cursor() or Cursor("gen")
        assert at.page == done
        spoiled = [*cut[done : done + at_once], Page(99_999, 1, [], b"")]
        with pytest.raises(WrongChain):  # it dies in the middle: nothing of it is there
            parts.apply(at, spoiled)
        parts.apply(at, cut[done : done + at_once])
        done += at_once
        parts.close()
    parts = Model(path)
    assert dump(parts) == dump(whole)
    parts.close()
    whole.close()


def test_a_net_debit_cap_moves_nothing_and_what_comes_after_it_is_read(model: Model) -> None:
    teller = market_days(3, 5)
    account = transfer.settlement("VIETTEL")
    posted = next(leg for event in teller.events for leg in event.legs if leg.account_id == account)
    fact = replace(posted, side="-", amount=0, version=posted.version + 1_000)
    teller.events.append(replace(
        teller.events[-1], seq=teller.events[-1].seq + 1, op="cap", result="OK", transfer_id=account,
        related="settlement", amount="VIETTEL", fee="0", legs=(fact,), change="5000000", body_hash="", intent=b"",
    ))  # fmt: skip
    assert model.apply(Cursor(""), pages(teller)).seq == teller.events[-1].seq


def test_a_page_that_was_changed_is_not_taken(model: Model) -> None:
    teller = market_days(1, 5)
    (page,) = pages(teller, 1_000)
    changed = [*page.raws[:-1], page.raws[-1] + bytes(8)]  # one more field, without name or value
    with pytest.raises(WrongChain):
        model.apply(Cursor("gen"), [Page(1, 1, changed, page.head)])
    assert model.cursor() is None


def test_a_file_of_another_layout_or_that_is_none_is_built_again(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite3"
    path.write_bytes(b"not a database" * 100)
    model = Model(path)
    assert model.cursor() is None
    model.apply(Cursor("gen"), pages(market_days(2, 3)))
    model.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_statement_is_filtered_paged_and_ties_with_its_opening_and_closing(model: Model) -> None:
    teller = market_days(3, 80)
    model.apply(Cursor("gen"), pages(teller))
    with model.reader() as connection:
        opened = next(event.transfer_id for event in teller.events if event.related == "wallet")
        wallet = queries.account(connection, opened)
        assert wallet is not None
        times = [event.at_ms for event in teller.events]
        since, until = times[len(times) // 4], times[3 * len(times) // 4]
        found = queries.range_of(connection, wallet.no, since, until)
        everything = list(queries.lines(connection, wallet.no, found.first, found.last, Filter(), 10_000))
        assert found.opening + found.into - found.out == found.closing
        assert [line.seq for line in everything] == sorted((line.seq for line in everything), reverse=True)
        assert all(since <= line.at_ms < until for line in everything)
        paged, last = [], found.last
        while page := list(queries.lines(connection, wallet.no, found.first, last, Filter(), 3)):
            paged += page
            last = page[-1].seq - 1
        assert paged == everything
        chosen = Filter(("pay", "transfer"), "d", 100, 5_000)
        assert list(queries.lines(connection, wallet.no, 0, queries.SEQ_MAX, chosen, 10_000)) == [
            line for line in queries.lines(connection, wallet.no, 0, queries.SEQ_MAX, Filter(), 10_000)
            if line.op in ("pay", "transfer") and line.side == "d" and 100 <= line.amount <= 5_000
        ]  # fmt: skip


# Trust -----------------------------------------------------------------------------------------------------------


def test_a_trust_statement_says_what_the_books_say_at_the_days_end(model: Model) -> None:
    teller = market_days(4, 60)
    model.apply(Cursor("gen"), pages(teller))
    days = sorted({day_of(event.at_ms) for event in teller.events})
    assert len(days) > 3
    books, least = fold.Books(), {}
    with model.reader() as connection:
        for event, after in zip(teller.events, [*teller.events[1:], None], strict=True):
            books.apply(event)
            today = day_of(event.at_ms)
            for telecom in ("VIETTEL", "VNPT"):
                accounts = books.accounts
                cover = sum(
                    accounts[f"{kind}:{telecom}"].credits - accounts[f"{kind}:{telecom}"].debits
                    for kind in ("clearing", "reserve")
                )
                if any(leg.account_id in (f"clearing:{telecom}", f"reserve:{telecom}") for leg in event.legs):
                    least[telecom, today] = min(cover, least.get((telecom, today), cover))
                if after is not None and day_of(after.at_ms) == today:
                    continue
                found = queries.trust_day(connection, telecom, today)
                assert found is not None
                for kind in ("wallet", "agent", "org"):
                    assert found.sums[kind] == sum(
                        a.credits - a.debits for a in accounts.values() if (a.kind, a.telecom) == (kind, telecom)
                    )
                said = trust.statement("c01", "gen", telecom, date.fromisoformat(str(today)), found)
                assert said["trust_closing"] == -balance_of(accounts[f"trust:{telecom}"])
                assert said["covered"] is True
                assert said["last_seq"] == event.seq
                if (telecom, today) in least:
                    assert said["least_cover"] <= least[telecom, today]


def balance_of(account: fold.BookAccount) -> int:
    return account.credits - account.debits


def test_a_guarantee_that_did_not_cover_for_a_moment_of_the_day_is_told(model: Model) -> None:
    teller = Teller()
    wallet, merchant = teller.wallet(1_000_000), teller.merchant("mer_1")
    # A refund of what another telecom is owed, without cover: what the ledger would refuse.
    teller.write("refund", transfer.refund(merchant, wallet, "VIETTEL", 5_000, 0)[:4], transfer_id="x", amount="5000",
                 change=",,0,,0")  # fmt: skip
    teller.pay(wallet, merchant, 5_000)
    model.apply(Cursor("gen"), pages(teller))
    with model.reader() as connection:
        found = queries.trust_day(connection, "VIETTEL", day_of(MIDNIGHT_MS))
    assert found is not None
    said = trust.statement("c01", "gen", "VIETTEL", date(2026, 11, 29), found)
    assert (said["least_cover"], said["covered"]) == (-5_000, False)


def test_a_signed_statement_is_the_same_text_twice_and_any_change_is_noticed() -> None:
    key, other = trust.signing_key("one"), trust.signing_key("two")
    said = {"type": "trust-statement", "telecom": "VIETTEL", "trust_closing": 10**15, "covered": True}
    text = trust.sign(said, key)
    assert trust.sign(dict(reversed(said.items())), key) == text
    assert trust.verify(text + "\n", trust.public_keys(key)) == said
    head, body, end = text.split(".")
    forged = trust.sign(said | {"trust_closing": 1}, other)
    for wrong in (f"{head}.{body[:-2]}AA.{end}", f"{head}.{forged.split('.')[1]}.{end}", forged, "", "a.b.c", head):
        with pytest.raises(trust.NotTrusted):
            trust.verify(wrong, trust.public_keys(key))
    assert "d" not in trust.public_keys(key)["keys"][0]
    assert json.dumps(trust.public_keys(key)) == json.dumps(trust.public_keys(trust.signing_key("one")))


def test_days_are_vietnams() -> None:
    first, end = trust.day_bounds(date(2026, 11, 29))
    assert first == MIDNIGHT_MS
    assert end - first == DAY_MS
    assert (day_of(first), day_of(first - 1), day_of(end)) == (20261129, 20261128, 20261130)


# The feed --------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_feed_follows_the_journal_and_starts_anew_with_other_books(
    market: Bench, hot: redis.Redis, model: Model
) -> None:
    wallet, merchant = await trade(market, hot)
    feed = Feed(model, store.pages)
    while feed.step():
        pass
    with model.reader() as connection:
        at, found = read_cursor(connection), queries.account(connection, wallet)
        assert at is not None
        assert found is not None
        assert at.seq == store.head().seq
        assert queries.balance_after(connection, found.no, at.seq)[0] == await market.balance(wallet)
    await market.pay(wallet, merchant, 1_000)
    journal(hot)
    assert feed.step()
    assert not feed.step()
    teller = market_days(5, 3)
    others = Feed(model, lambda after, most: ("gen_other", pages(teller)[after : after + most]))
    while others.step():
        pass
    cursor = model.cursor()
    assert cursor is not None
    assert (cursor.genesis, cursor.seq) == ("gen_other", teller.events[-1].seq)
    with model.reader() as connection:
        assert queries.account(connection, wallet) is None
