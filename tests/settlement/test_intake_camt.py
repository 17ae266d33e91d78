"""camt.052, .053 and .054 as banks write them: every version, their dialects, and what a batch is taken apart into."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from services.settlement.intake import camt_shapes, open_statements
from services.settlement.records import StatementEntry, StatementHead
from tests.settlement.intake_files import (
    NAMES,
    OWN,
    TODAY,
    balance,
    document,
    entries_of,
    entry,
    read,
    schema,
    status,
    transaction,
)

VN = timezone(timedelta(hours=7))


@pytest.mark.parametrize("version", range(2, 15))
@pytest.mark.parametrize("kind", list(NAMES))
def test_every_version_of_the_official_messages_is_read_the_same(kind: str, version: int, tmp_path: Path) -> None:
    batch = transaction(version, 30_000, "PO-000012-000001-1") + transaction(version, 45_000, "PO-000012-000002-1")
    back = transaction(version, 20_000, "NOTPROVIDED", "CRDT", "Dbtr", "Công ty Chè", "88", message="M9")
    inside = (
        ("" if kind == "camt.054" else balance("OPBD", 100_000) + balance("CLBD", 45_000))
        + "<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries><Sum>95000</Sum></TtlNtries><TtlCdtNtries><NbOfNtries>1"
        "</NbOfNtries><Sum>20000.00</Sum></TtlCdtNtries><TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>75000</Sum>"
        "</TtlDbtNtries></TxsSummry>"
        + entry(75_000, status=status(version), details=f"<NtryDtls>{batch}</NtryDtls>")
        + entry(20_000, "CRDT", status(version), f"<NtryDtls>{back}</NtryDtls>", "<AddtlNtryInf>x</AddtlNtryInf>")
    )
    content = document(kind, version, inside)
    schema(kind, version).assertValid(etree.fromstring(content.encode()))
    ((head, (one, two, three)),) = read(tmp_path, content)
    balances = (None, None) if kind == "camt.054" else (100_000, 45_000)
    assert head == StatementHead(
        kind, "BIDV-1", "S-7", OWN, "VND", datetime(2026, 11, 23, 20, tzinfo=VN), TODAY, TODAY, *balances, 2, 20_000,
        75_000,
    )  # fmt: skip
    assert one == StatementEntry(
        1, 2, "D", 30_000, "VND", TODAY, TODAY, "PO-000012-000001-1", "PO-W000012-1", "FT1", "Nguyễn Thị Hoà", "19001",
        "chi tra",
    )  # fmt: skip
    assert (two.number, two.amount, two.reference) == (2, 45_000, "PO-000012-000002-1")
    assert (three.side, three.amount, three.reference, three.group) == ("C", 20_000, "", "M9")
    assert (three.counterparty, three.counterparty_account) == ("Công ty Chè", "88")


def test_names_count_and_neither_prefixes_nor_namespaces_nor_wrappers(tmp_path: Path) -> None:
    content = document("camt.053", 8, entry() * 3)
    body = content.split("?>", 1)[1]
    bare = body.replace(' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"', "")
    prefixed = bare.replace("</", "\0").replace("<", "<c:").replace("\0", "</c:")
    prefixed = prefixed.replace("<c:Document", '<c:Document xmlns:c="urn:bank"', 1)
    seen = [entries_of(tmp_path, each) for each in (body, bare, prefixed, f"<Envelope><Body>{bare}</Body></Envelope>")]
    assert seen[0] == seen[1] == seen[2] == seen[3]
    assert len(seen[0]) == 3


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8", "windows-1258", "iso-8859-1"])
def test_every_encoding_that_a_file_declares_and_keeps_is_read(encoding: str, tmp_path: Path) -> None:
    name = "Nguyen Thi Hoà" if encoding != "windows-1258" else "Nguyen ThÞ"[:-1] + "i"
    details = f"<NtryDtls>{transaction(8, 75_000, 'E', name=name)}</NtryDtls>"
    declared = "UTF-8" if encoding == "utf-8-sig" else encoding
    content = document("camt.053", 8, entry(details=details) * 3).replace("UTF-8", declared, 1)
    entries = entries_of(tmp_path, content.encode(encoding))
    assert [one.counterparty for one in entries] == [name] * 3


@pytest.mark.parametrize("text", ["75000", "75000.", "75000.00", "75000.0", "0075000"])
def test_dong_are_whole_however_they_are_written(text: str, tmp_path: Path) -> None:
    assert entries_of(tmp_path, document("camt.053", 8, entry(text)))[0].amount == 75_000


@pytest.mark.parametrize(
    ("currency", "text", "minor"), [("USD", "12.5", 1250), ("JPY", "12", 12), ("KWD", "1.234", 1234)]
)
def test_another_currency_is_kept_in_its_minor_units_and_never_summed_as_dong(
    currency: str, text: str, minor: int, tmp_path: Path
) -> None:
    inside = balance("OPBD", 0) + balance("CLBD", -75_000) + entry() + entry(text, currency=currency)
    foreign = entries_of(tmp_path, document("camt.053", 8, inside))[1]
    assert (foreign.amount, foreign.currency) == (minor, currency)


@pytest.mark.parametrize(
    ("on", "day"),
    [
        ("<Dt>2026-11-22</Dt>", 22), ("<Dt>2026-11-22+07:00</Dt>", 22), ("<DtTm>2026-11-22T23:30:00</DtTm>", 22),
        ("<DtTm>2026-11-22T18:30:00Z</DtTm>", 23), ("<DtTm>2026-11-22T23:30:00.123+07:00</DtTm>", 22),
        ("<DtTm>2026-11-23T01:30:00+09:00</DtTm>", 22),
    ],
)  # fmt: skip
def test_a_booking_is_on_vietnams_day(on: str, day: int, tmp_path: Path) -> None:
    assert entries_of(tmp_path, document("camt.053", 8, entry(on=on)))[0].booked_on == date(2026, 11, day)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("BOOK", "booked"), ("<Cd>BOOK</Cd>", "booked"), ("<Cd>PDNG</Cd>", "pending"), ("INFO", "info"),
        ("<Cd>FUTR</Cd>", "pending"), ("", "booked"),
    ],
)  # fmt: skip
def test_only_what_is_booked_is_in_the_balance(written: str, read_as: str, tmp_path: Path) -> None:
    closing = -150_000 if read_as == "booked" else -75_000
    inside = balance("PRCD", 0) + balance("CLBD", closing) + entry() + entry(status=written)
    assert entries_of(tmp_path, document("camt.053", 8, inside))[1].status == read_as


def test_a_reversal_names_who_the_payment_that_it_takes_back_was_for(tmp_path: Path) -> None:
    details = f"<NtryDtls>{transaction(8, 75_000, 'PO-000012-000001-1', 'CRDT')}</NtryDtls>"
    (one,) = entries_of(
        tmp_path, document("camt.053", 8, entry(side="CRDT", details=details, reversal="<RvslInd>true</RvslInd>"))
    )
    assert (one.side, one.reversal, one.counterparty, one.reference) == (
        "C", True, "Nguyễn Thị Hoà", "PO-000012-000001-1",
    )  # fmt: skip


def test_a_return_that_names_this_account_as_payer_is_from_who_was_paid(tmp_path: Path) -> None:
    both = transaction(8, 75_000, "E", "CRDT").replace(
        "<RltdPties>",
        f"<RltdPties><Dbtr><Pty><Nm>Chợ</Nm></Pty></Dbtr><DbtrAcct><Id><Othr><Id>{OWN}</Id></Othr></Id></DbtrAcct>",
    )
    (one,) = entries_of(tmp_path, document("camt.053", 8, entry(side="CRDT", details=f"<NtryDtls>{both}</NtryDtls>")))
    assert (one.counterparty, one.counterparty_account) == ("Nguyễn Thị Hoà", "19001")


def test_a_batch_that_does_not_add_up_stays_one_entry_with_what_all_of_it_say(tmp_path: Path) -> None:
    batch = transaction(8, 30_000, "A") + transaction(8, 45_001, "B")
    (one,) = entries_of(tmp_path, document("camt.053", 8, entry(details=f"<NtryDtls>{batch}</NtryDtls>")))
    assert (one.amount, one.reference, one.group, one.counterparty) == (75_000, "", "PO-W000012-1", "Nguyễn Thị Hoà")


def test_a_net_batch_is_taken_apart_by_side(tmp_path: Path) -> None:
    batch = transaction(8, 100_000, "A") + transaction(8, 25_000, "B", "CRDT")
    entries = entries_of(tmp_path, document("camt.053", 8, entry(details=f"<NtryDtls>{batch}</NtryDtls>")))
    assert [(one.side, one.amount, one.reference) for one in entries] == [("D", 100_000, "A"), ("C", 25_000, "B")]


def test_long_and_several_texts_are_one_text_with_an_end(tmp_path: Path) -> None:
    text = f"<Ustrd>{'a' * 900}</Ustrd><Ustrd>{'b' * 900}</Ustrd>"
    details = f"<NtryDtls>{transaction(8, 75_000, 'E', text=text)}</NtryDtls>"
    (one,) = entries_of(tmp_path, document("camt.053", 8, entry(details=details)))
    assert one.text == "a" * 900 + " " + "b" * 99


def test_institutions_are_named_by_their_agents_where_nobody_else_is(tmp_path: Path) -> None:
    details = (
        "<NtryDtls><TxDtls><Refs><EndToEndId>NP-000012-VIETTEL</EndToEndId></Refs><RltdAgts><DbtrAgt><FinInstnId>"
        "<ClrSysMmbId><MmbId>VIETTEL</MmbId></ClrSysMmbId></FinInstnId></DbtrAgt></RltdAgts></TxDtls></NtryDtls>"
    )
    (one,) = entries_of(tmp_path, document("camt.053", 8, entry(side="CRDT", details=details)))
    assert (one.reference, one.counterparty) == ("NP-000012-VIETTEL", "VIETTEL")


def test_two_statements_in_a_file_are_two_with_their_own_totals(tmp_path: Path) -> None:
    second = (
        f"<Stmt><Id>S-8</Id><Acct><Id><IBAN>VN77{OWN}</IBAN></Id></Acct>{balance('OPBD', 5)}{balance('CLBD', 75_005)}"
        f"{entry(side='CRDT')}</Stmt>"
    )
    inside = balance("OPBD", 0) + balance("CLBD", -225_000) + entry() * 3
    one, two = read(tmp_path, document("camt.053", 8, inside, second))
    assert [(head.statement_id, head.account, len(entries)) for head, entries in (one, two)] == [
        ("S-7", OWN, 3), ("S-8", f"VN77{OWN}", 1),
    ]  # fmt: skip
    assert two[1][0].number == 1


def test_the_next_statement_is_not_given_before_the_entries_of_this_one_were_read(tmp_path: Path) -> None:
    file = tmp_path / "two"
    file.write_text(document("camt.053", 8, entry(), "<Stmt><Id>2</Id></Stmt>"))
    statements = open_statements(file, TODAY)
    next(statements)
    with pytest.raises(RuntimeError, match="entries to their end"):
        next(statements)


def test_balances_may_stand_behind_the_entries_and_interim_ones_for_missing_ones(tmp_path: Path) -> None:
    ((head, _),) = read(tmp_path, document("camt.053", 8, entry() + balance("ITBD", 100_000) + balance("ITBD", 25_000)))
    assert (head.opening, head.closing) == (100_000, 25_000)


def test_a_report_later_in_the_day_need_not_follow_from_the_days_opening(tmp_path: Path) -> None:
    ((head, _),) = read(tmp_path, document("camt.052", 8, balance("OPBD", 9) + balance("ITBD", 7) + entry()))
    assert (head.opening, head.closing) == (9, 7)


def test_pages_are_statements_of_their_own(tmp_path: Path) -> None:
    page = "<Id>S-7</Id><StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"
    ((head, _),) = read(tmp_path, document("camt.053", 8, entry()).replace("<Id>S-7</Id>", page))
    assert head.statement_id == "S-7/2"


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"], exclude_characters="\u2028\u2029\x85"),
    max_size=30,
).map(lambda text: " ".join(text.split()))
ENTRIES = st.lists(
    st.tuples(
        st.integers(1, 10**15), st.sampled_from(["CRDT", "DBIT"]), st.integers(0, 3), WORDS, WORDS,
        st.sampled_from(["", "\n  ", "<!-- </Ntry> -->", "<![CDATA[ ]]>"]), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ENTRIES)
def test_what_is_written_is_read_and_shapes_read_it_as_the_parser_does(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int, str, str, str, bool]]
) -> None:
    tmp_path = tmp_path_factory.mktemp("camt")
    parts, expected, net = [], [], 0
    for number, (amount, side, shape, name, text, between, optional) in enumerate(rows):
        details = "" if shape == 0 else transaction(
            8, amount, f"E{number}", side, "Dbtr" if side == "CRDT" else "Cdtr", escape(name),
            text=f"<Ustrd>{escape(text)}</Ustrd>",
        )  # fmt: skip
        details = f"<NtryDtls>{'<Btch><MsgId>X</MsgId></Btch>' if shape == 2 else ''}{details}</NtryDtls>"
        extra = f"<AddtlNtryInf>{escape(text)}</AddtlNtryInf>" if optional else ""
        parts.append(
            entry(amount, side, details=details.replace("><", f">{between}<") if shape == 3 else details, extra=extra)
        )
        parts.append(between)
        net += amount if side == "CRDT" else -amount
        expected.append((amount, side[0], f"E{number}" if shape else "", name[:140] if shape else ""))
    content = document("camt.053", 8, balance("OPBD", 0) + balance("CLBD", net) + "".join(parts))
    entries = entries_of(tmp_path, content)
    assert [(one.amount, one.side, one.reference, one.counterparty) for one in entries] == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(camt_shapes, "SHAPES_MAX", 0)
        assert entries_of(tmp_path, content) == entries


def test_entries_alike_are_read_by_shape_with_their_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    details = "\n<NtryDtls>" + transaction(8, 75_000, "E").replace("><", ">\n  <") + "</NtryDtls>\n"
    other = entry(details=f"<NtryDtls>{transaction(8, 75_000, 'A') + transaction(8, 0, 'B')}</NtryDtls>")
    content = document("camt.053", 8, (entry(details=details) + "\n") * 40 + other + entry(details=details) * 5)
    entries = entries_of(tmp_path, content)
    read_by_shape = []
    real = camt_shapes.Shape.read
    monkeypatch.setattr(camt_shapes.Shape, "read", lambda *given: read_by_shape.append(1) or real(*given))
    assert entries_of(tmp_path, content) == entries
    assert len(read_by_shape) > 40
    monkeypatch.setattr(camt_shapes, "SHAPES_MAX", 0)
    assert entries_of(tmp_path, content) == entries
    lines = content.split("\n")
    assert all("<Ntry>" in lines[one.line - 1] for one in entries)
