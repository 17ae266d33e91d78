"""Files from people who mean harm, or whose line broke: refused with a stable code, in bounded memory."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement import xml_in
from services.settlement.intake import REASONS, fingerprint, identity, refusals
from services.settlement.records import FileRefused
from tests.settlement.intake_files import balance, document, entries_of, entry, read, transaction

ROOT = Path(__file__).parents[2]
GOOD = document("camt.053", 8, entry() * 3)
DETAILS = "<NtryDtls>" + transaction(8, 75_000, "E") + "</NtryDtls>"


def reason_of(folder: Path, content: str | bytes) -> str:
    with pytest.raises(FileRefused) as refusal:
        read(folder, content)
    assert refusal.value.reason in REASONS
    return refusal.value.reason


BOMB = '<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "' + "&a;" * 10 + '"><!ENTITY c "' + "&b;" * 10 + '">]>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "EMPTY"),
        (" \n\n", "EMPTY"),
        (GOOD.replace("<Document", BOMB + "<Document", 1).replace("S-7", "&c;"), "XML_DTD"),
        (GOOD.replace("<Document", '<!DOCTYPE b SYSTEM "file:///etc/passwd"><Document', 1), "XML_DTD"),
        (GOOD.replace("<Document", '<!DOCTYPE b [<!ENTITY x SYSTEM "http://127.0.0.1/">]><Document', 1), "XML_DTD"),
        (GOOD.replace("S-7", "&x;"), "XML_BROKEN"),
        (GOOD[: len(GOOD) // 2], "XML_BROKEN"),
        (GOOD[:-1], "XML_BROKEN"),
        (GOOD + "more", "XML_BROKEN"),
        (GOOD.replace("<Sts>", "<Sts"), "XML_BROKEN"),
        ("<?xml version='1.0'?>", "XML_BROKEN"),
        ("<" * 70_000, "XML_BROKEN"),
        (GOOD.encode("utf-16"), "ENCODING"),
        (GOOD.replace("UTF-8", "UTF-16", 1), "ENCODING"),
        (GOOD.replace("UTF-8", "EBCDIC-NO", 1), "ENCODING"),
        (GOOD.replace("S-7", "Hòa").encode("latin-1"), "ENCODING"),
        (document("camt.053", 8, "<x>" * 5_000), "XML_TOO_DEEP"),
        ("<Document><CstmrPmtStsRpt/></Document>", "UNKNOWN_FORMAT"),
        ("<html><body/></html>", "UNKNOWN_FORMAT"),
        ("<Document><BkToCstmrStmt/></Document>", "FIELD_MISSING"),
    ],
)
def test_what_is_no_whole_honest_file_is_refused(content: str | bytes, reason: str, tmp_path: Path) -> None:
    assert reason_of(tmp_path, content) == reason


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (entry("75000.5"), "AMOUNT"), (entry("-5"), "AMOUNT"), (entry("0"), "AMOUNT"), (entry("5,0"), "AMOUNT"),
        (entry("1" * 19), "AMOUNT"), (entry("٧"), "AMOUNT"), (entry(""), "AMOUNT"), (entry("1e3"), "AMOUNT"),
        (entry("1.001", currency="USD"), "AMOUNT"), (entry("1" * 18, currency="USD"), "AMOUNT"),
        (entry(currency="dong"), "FIELD_UNKNOWN"),
        (entry("9" * 18) + entry("1"), "AMOUNT"),
        (entry(side="X"), "FIELD_UNKNOWN"), (entry(side=""), "FIELD_MISSING"), (entry(status="X"), "FIELD_UNKNOWN"),
        (entry(reversal="<RvslInd>maybe</RvslInd>"), "FIELD_UNKNOWN"), (entry(on="<Dt>2026-02-30</Dt>"), "DATE"),
        (entry(on="<Dt>23/11/2026</Dt>"), "DATE"), (entry(on="<DtTm>2026-11-23T25:00:00</DtTm>"), "DATE"),
        (entry(on="<Dt>2026-11-25</Dt>"), "FUTURE_DATE"),
        (entry(on="").replace("<ValDt><Dt>2026-11-23</Dt></ValDt>", ""), "FIELD_MISSING"),
        (entry(details=DETAILS.replace(">E<", f">{'E' * 141}<")), "FIELD_TOO_LONG"),
        (balance("OPBD", 0) + balance("CLBD", -75_001) + entry(), "BALANCE"),
        (balance("OPBD", 0).replace("CRDT", "") + entry(), "FIELD_MISSING"),
        ("<TxsSummry><TtlNtries><NbOfNtries>2</NbOfNtries></TtlNtries></TxsSummry>" + entry(), "COUNT"),
        ("<TxsSummry><TtlNtries><NbOfNtries>one</NbOfNtries></TtlNtries></TxsSummry>" + entry(), "COUNT"),
        ("<TxsSummry><TtlNtries><Sum>1</Sum></TtlNtries></TxsSummry>" + entry(), "TOTALS"),
        ("<TxsSummry><TtlDbtNtries><NbOfNtries>0</NbOfNtries></TtlDbtNtries></TxsSummry>" + entry(), "COUNT"),
        ("<TxsSummry><TtlCdtNtries><Sum>1.5</Sum></TtlCdtNtries></TxsSummry>" + entry(), "AMOUNT"),
    ],
)  # fmt: skip
def test_an_entry_or_total_that_cannot_be_is_refused(inside: str, reason: str, tmp_path: Path) -> None:
    assert reason_of(tmp_path, document("camt.053", 8, inside)) == reason
    # And no less among many alike, that are read by their shape.
    before = (entry(details=DETAILS if "<NtryDtls>" in inside else "") + "\n") * 30
    if not inside.startswith("<Bal>"):
        assert reason_of(tmp_path, document("camt.053", 8, before + inside)) == reason


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ("<FrDtTm>2026-11-23T00", "<FrDtTm>2026-11-24T00"),
        ("<CreDtTm>2026-11-23T20:00:00+07:00", "<CreDtTm>9999-12-31T23:00:00Z"),
        ("<CreDtTm>2026-11-23T20:00:00+07:00", "<CreDtTm>0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_head_whose_days_cannot_be_is_refused(found: str, instead: str, tmp_path: Path) -> None:
    assert found in GOOD
    assert reason_of(tmp_path, GOOD.replace(found, instead)) == "DATE"


@pytest.mark.parametrize(
    ("until", "reason"), [("2026-11-24", ""), ("2026-11-25", "FUTURE_DATE"), ("2099-11-23", "FUTURE_DATE")]
)
def test_a_statement_of_days_to_come_is_refused_lest_what_is_notified_of_them_passes_for_known(
    until: str, reason: str, tmp_path: Path
) -> None:
    content = GOOD.replace("<ToDtTm>2026-11-23", f"<ToDtTm>{until}")
    if reason:
        assert reason_of(tmp_path, content) == reason
    else:
        assert len(read(tmp_path, content)) == 1


def test_a_refusal_says_where_what_was_found_and_what_to_do(tmp_path: Path) -> None:
    inside = balance("OPBD", 1_000) + balance("CLBD", 5) + (entry() + "\n") * 30
    with pytest.raises(FileRefused, match=r"line 2: opening 1000 .* make -2249000, but closing is 5: ask"):
        read(tmp_path, document("camt.053", 8, inside))
    with pytest.raises(FileRefused, match=r"line 32: amount '7\.5' has a fraction that VND has not: correct"):
        read(tmp_path, document("camt.053", 8, (entry() + "\n") * 30 + entry("7.5")))


def test_a_line_that_broke_is_named_behind_entries_read_by_shape(tmp_path: Path) -> None:
    content = document("camt.053", 8, (entry() + "\n") * 500)
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, content.replace("</Stmt>", "</Stmtx>"))
    assert (refusal.value.reason, refusal.value.line) == ("XML_BROKEN", 502)


@pytest.mark.parametrize("name", ["BYTES_MAX", "ENTRIES_MAX", "BATCH_MAX"])
def test_limits_are_refused_beyond_and_read_at(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = "<NtryDtls>" + transaction(8, 15_000, "E") * 5 + "</NtryDtls>"
    content = document("camt.053", 8, entry(details=batch))
    most = {"BYTES_MAX": len(content.encode()), "ENTRIES_MAX": 5, "BATCH_MAX": 5}[name]
    monkeypatch.setattr(refusals, name, most)
    assert len(entries_of(tmp_path, content)) == 5
    monkeypatch.setattr(refusals, name, most - 1)
    assert reason_of(tmp_path, content) == {"BYTES_MAX": "TOO_LARGE"}.get(name, name)


@pytest.mark.parametrize(
    "inside",
    [
        "<x>" + "<y/>" * 700_000 + "</x>" + entry(),
        entry() + "<x>" + "<y/>" * 700_000 + "</x>" + entry(),
        entry() + "<y/>" * 700_000,
        entry().replace("</Ntry>", "<z>" + "y" * 2_500_000 + "</z></Ntry>"),
        (entry() + "<x>" + "y" * 100_000 + "</x>") * 25,
    ],
    ids=["before", "between", "behind", "text", "alternating"],
)
def test_one_huge_element_is_refused_before_it_fills_the_memory(
    inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml_in, "KEPT_BYTES_MAX", 256 << 10)
    assert reason_of(tmp_path, document("camt.053", 8, inside)) == "XML_TOO_LARGE"


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.binary(max_size=6), st.integers(0, 8))
def test_whatever_breaks_in_a_file_nothing_but_a_refusal_comes_of_it(
    tmp_path_factory: pytest.TempPathFactory, at: int, put: bytes, cut: int
) -> None:
    whole = document("camt.053", 8, balance("OPBD", 0) + balance("CLBD", -750_000) + entry(details=DETAILS) * 10)
    content = whole.encode()
    at %= len(content)
    content = content[:at] + put + content[at + cut :]
    try:
        entries = entries_of(tmp_path_factory.mktemp("broken"), content)
    except FileRefused as refusal:
        reason = refusal.reason
    else:
        reason = ""
        assert sum(one.amount for one in entries) == 750_000
    assert not reason or reason in REASONS


def test_a_file_is_told_by_its_bytes_and_a_statement_by_what_it_says(tmp_path: Path) -> None:
    ((head, _),) = read(tmp_path, GOOD)
    again = fingerprint(tmp_path / "anything.bin")
    assert re.fullmatch("[0-9a-f]{64}", again)
    assert identity(head) == "99990000000001|camt.053|BIDV-1|S-7"
    ((other, _),) = read(tmp_path, document("camt.053", 8, entry()))
    assert identity(other) == identity(head)
    assert fingerprint(tmp_path / "anything.bin") != again
    assert identity(replace(head, account="a|b", message_id="c")) != identity(
        replace(head, account="a", message_id="b|c")
    )


PROBE = """
import resource, sys
from datetime import date
from pathlib import Path
from services.settlement.intake import open_statements
for statement in open_statements(Path(sys.argv[1]), date(2026, 11, 23)):
    count = sum(1 for _ in statement.entries)
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("kind", ["camt", "camt without shapes", "mt", "csv"])
def test_memory_does_not_grow_with_the_file(kind: str, tmp_path: Path) -> None:
    def peak_kb(count: int) -> int:
        file = tmp_path / "file"
        if kind.startswith("camt"):
            parts = [
                entry(details=DETAILS.replace(">E<", f">E{n}{'&amp;' if ' ' in kind else ''}<")) for n in range(count)
            ]
            file.write_text(document("camt.053", 8, "\n".join(parts)))
        elif kind == "mt":
            lines = "".join(f":61:261123C5,NTRFE{n}\n:86:/EREF/E{n}/REMI/chi tra\n" for n in range(count))
            file.write_text(f":20:M\n:25:1\n:28C:1\n:60F:C261122VND0,\n{lines}:62F:C261123VND{5 * count},\n-\n")
        else:
            lines = "".join(f"t{n},2026-11-23,pay,D,5,VND\n" for n in range(count))
            head = "transfer_id,time,operation,side,amount,currency\n"
            file.write_text(f"{head}{lines}total,{count},{5 * count},0,,\n")
        done = subprocess.run(
            [sys.executable, "-c", PROBE, str(file)], capture_output=True, text=True, check=True, cwd=ROOT
        )
        read_count, peak = done.stdout.split()
        assert int(read_count) == count
        return int(peak)

    few = 6_000 if kind == "camt" else 2_000
    assert peak_kb(10 * few) < 1.15 * peak_kb(few)
