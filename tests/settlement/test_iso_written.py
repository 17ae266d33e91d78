"""Every message that we write is valid by the official schema, and carries ids and amounts exactly."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from services.settlement.exchange import open_box, sending
from services.settlement.iso import pacs008, pacs009, pain001, stream, values
from services.settlement.records import CreditTransfer, FileHead, InstitutionTransfer, Party
from tests.settlement import iso_xsd

AT = datetime(2026, 11, 29, 16, 5, 7, 250_000, tzinfo=UTC)
ON = date(2026, 11, 30)
US = Party("Chợ 4.0", "99990000000001", "PLATFORM")
SCHEME = Party("Công ty Chợ 4.0", "99990000000001", "970418")

IDS = st.text("PONW019-/ .", min_size=1, max_size=35).filter(lambda one: one == one.strip())
ACCOUNTS = st.text("0123456789ABC", min_size=1, max_size=34)
ANY_TEXT = st.text(max_size=200) | st.text("Nguyễn Thị Đào & <Bưởi>\u202e\u0301\u200b\t\n", max_size=200)
PARTIES = st.builds(Party, ANY_TEXT, ACCOUNTS, st.sampled_from(("970418", "970436", "VIETTEL")))
AMOUNTS = st.integers(1, 10**15)
CREDITS = st.lists(st.builds(CreditTransfer, IDS, IDS, AMOUNTS, PARTIES, ANY_TEXT), min_size=1, max_size=5)
BETWEEN = st.lists(
    st.builds(InstitutionTransfer, IDS, IDS, AMOUNTS, PARTIES, PARTIES, ANY_TEXT), min_size=1, max_size=5
)

PAYOUTS = (
    CreditTransfer(
        "PO-1", "PO-000012-000001-1", 75_000, Party("Nguyễn Thị Bưởi", "0011001", "970436"), "Chợ 4.0 phiên 12"
    ),
    CreditTransfer("PO-2", "PO-000012-000002-1", 1_250_000, Party("Trần Văn Đào", "0022002", "970418"), ""),
)


def head_of(transfers: Any, message_id: str = "PO-W000012-1") -> FileHead:
    return FileHead(message_id, AT, US, ON, len(transfers), sum(one.amount for one in transfers))


def pain(path: Path, transfers: Any) -> None:
    pain001.write(path, head_of(transfers), SCHEME, "PO-W000012-1", transfers)


def pacs_8(path: Path, transfers: Any) -> None:
    pacs008.write(path, head_of(transfers), SCHEME, transfers)


def pacs_9(path: Path, transfers: Any) -> None:
    pacs009.write(path, head_of(transfers, "NP-W000012"), transfers)


def text(element: etree._Element, path: str) -> str:
    return str(element.findtext(path.replace("/", "/{*}").join(("{*}", "")), ""))


def transfers_in(root: etree._Element) -> Iterator[etree._Element]:
    return root.iter("{*}CdtTrfTxInf")


@settings(max_examples=40)
@given(CREDITS, st.sampled_from(((pain, "Amt/InstdAmt"), (pacs_8, "IntrBkSttlmAmt"))))
def test_any_payouts_give_a_valid_file_with_their_ids_and_amounts(
    transfers: list[CreditTransfer], written: tuple[Callable[[Path, Any], None], str]
) -> None:
    write, amount = written
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "it.xml"
        write(path, transfers)
        root = iso_xsd.valid(path)
    found = [
        (
            text(one, "PmtId/InstrId"), text(one, "PmtId/EndToEndId"), text(one, amount),
            text(one, "CdtrAcct/Id/Othr/Id"), text(one, "CdtrAgt/FinInstnId/ClrSysMmbId/MmbId"),
        )
        for one in transfers_in(root)
    ]  # fmt: skip
    assert found == [
        (one.instruction_id, one.end_to_end_id, str(one.amount), one.creditor.account, one.creditor.agent)
        for one in transfers
    ]
    assert {one.get("Ccy") for one in root.iter("{*}InstdAmt", "{*}IntrBkSttlmAmt")} == {"VND"}


@settings(max_examples=40)
@given(BETWEEN)
def test_any_net_positions_give_a_valid_file_with_their_ids_and_amounts(transfers: list[InstitutionTransfer]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "it.xml"
        pacs_9(path, transfers)
        root = iso_xsd.valid(path)
    found = [
        (
            text(one, "PmtId/EndToEndId"), text(one, "IntrBkSttlmAmt"), text(one, "DbtrAcct/Id/Othr/Id"),
            text(one, "DbtrAgt/FinInstnId/ClrSysMmbId/MmbId"), text(one, "CdtrAcct/Id/Othr/Id"),
        )
        for one in transfers_in(root)
    ]  # fmt: skip
    assert found == [
        (one.end_to_end_id, str(one.amount), one.debtor.account, one.debtor.agent, one.creditor.account)
        for one in transfers
    ]


def test_a_pain001_says_who_pays_when_and_how_much_in_all(tmp_path: Path) -> None:
    pain(tmp_path / "it.xml", PAYOUTS)
    root = iso_xsd.valid(tmp_path / "it.xml")
    header, batch = root.find(".//{*}GrpHdr"), root.find(".//{*}PmtInf")
    assert [text(header, name) for name in ("MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty/Nm")] == [
        "PO-W000012-1", "2026-11-29T23:05:07.250+07:00", "2", "1325000", "Chợ 4.0",
    ]  # fmt: skip
    told = ("PmtInfId", "NbOfTxs", "CtrlSum", "ReqdExctnDt/Dt", "Dbtr/Nm", "ChrgBr")
    assert [text(batch, name) for name in told] == [
        "PO-W000012-1", "2", "1325000", "2026-11-30", "Công ty Chợ 4.0", "DEBT",
    ]  # fmt: skip
    assert text(batch, "DbtrAgt/FinInstnId/ClrSysMmbId/MmbId") == "970418"
    first = next(transfers_in(root))
    assert (text(first, "Cdtr/Nm"), text(first, "RmtInf/Ustrd")) == ("Nguyễn Thị Bưởi", "Chợ 4.0 phiên 12")


def test_a_pacs009_has_every_field_in_its_place(tmp_path: Path) -> None:
    viettel = Party("Viettel Money", "99990000000002", "970418")
    owes = InstitutionTransfer("NP-12-1", "NP-000012-VIETTEL", 75_000, viettel, SCHEME, "Phiên 12")
    pacs_9(tmp_path / "it.xml", [owes])
    root = iso_xsd.valid(tmp_path / "it.xml")
    leaves = [
        (
            etree.ElementTree(root).getelementpath(one).replace("{urn:iso:std:iso:20022:tech:xsd:pacs.009.001.09}", ""),
            one,
        )
        for one in root.iter("{*}*")
        if not len(one)
    ]
    assert [(path.removeprefix("FICdtTrf/"), one.text) for path, one in leaves] == [
        ("GrpHdr/MsgId", "NP-W000012"),
        ("GrpHdr/CreDtTm", "2026-11-29T23:05:07.250+07:00"),
        ("GrpHdr/NbOfTxs", "1"),
        ("GrpHdr/CtrlSum", "75000"),
        ("GrpHdr/TtlIntrBkSttlmAmt", "75000"),
        ("GrpHdr/IntrBkSttlmDt", "2026-11-30"),
        ("GrpHdr/SttlmInf/SttlmMtd", "INDA"),
        ("GrpHdr/InstgAgt/FinInstnId/ClrSysMmbId/MmbId", "PLATFORM"),
        ("CdtTrfTxInf/PmtId/InstrId", "NP-12-1"),
        ("CdtTrfTxInf/PmtId/EndToEndId", "NP-000012-VIETTEL"),
        ("CdtTrfTxInf/PmtId/TxId", "NP-12-1"),
        ("CdtTrfTxInf/IntrBkSttlmAmt", "75000"),
        ("CdtTrfTxInf/InstdAgt/FinInstnId/ClrSysMmbId/MmbId", "970418"),
        ("CdtTrfTxInf/Dbtr/FinInstnId/Nm", "Viettel Money"),
        ("CdtTrfTxInf/DbtrAcct/Id/Othr/Id", "99990000000002"),
        ("CdtTrfTxInf/DbtrAgt/FinInstnId/ClrSysMmbId/MmbId", "970418"),
        ("CdtTrfTxInf/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId", "970418"),
        ("CdtTrfTxInf/Cdtr/FinInstnId/Nm", "Công ty Chợ 4.0"),
        ("CdtTrfTxInf/CdtrAcct/Id/Othr/Id", "99990000000001"),
        ("CdtTrfTxInf/RmtInf/Ustrd", "Phiên 12"),
    ]


@pytest.mark.parametrize("write", [pain, pacs_8])
def test_the_same_transfers_give_the_same_bytes(write: Callable[[Path, Any], None], tmp_path: Path) -> None:
    write(tmp_path / "one.xml", PAYOUTS)
    write(tmp_path / "two.xml", PAYOUTS)
    assert (tmp_path / "one.xml").read_bytes() == (tmp_path / "two.xml").read_bytes()


@pytest.mark.parametrize(
    "said",
    [{"count": 1}, {"count": 3}, {"total": 1_324_999}, {"count": 0}, {"total": 0}, {"count": stream.TRANSFERS_MAX + 1}],
)
def test_a_head_that_is_wrong_leaves_no_file(said: dict[str, int], tmp_path: Path) -> None:
    head = replace(head_of(PAYOUTS), **said)
    with pytest.raises(ValueError):
        pain001.write(tmp_path / "it.xml", head, SCHEME, "PO-W000012-1", PAYOUTS)
    with pytest.raises(ValueError):
        pacs008.write(tmp_path / "it.xml", head, SCHEME, PAYOUTS)
    assert list(tmp_path.iterdir()) == []


def test_a_file_goes_out_through_an_exchange_box_as_well(tmp_path: Path) -> None:
    with sending(open_box(tmp_path, "970418"), "pain.001.PO-W000012-1.xml") as out:
        pain001.write_to(out, head_of(PAYOUTS), SCHEME, "PO-W000012-1", PAYOUTS)
    pain(tmp_path / "it.xml", PAYOUTS)
    sent = tmp_path / "exchange/970418/out/pain.001.PO-W000012-1.xml"
    assert sent.read_bytes() == (tmp_path / "it.xml").read_bytes()


@pytest.mark.parametrize("bad", ["", "P" * 36, " PO-1", "PO-1 ", "PO\n1", "Đ-1", "PO\u200b1"])
def test_an_id_is_never_changed_to_fit(bad: str, tmp_path: Path) -> None:
    for one in (replace(PAYOUTS[0], end_to_end_id=bad), replace(PAYOUTS[0], instruction_id=bad)):
        with pytest.raises(ValueError):
            pain(tmp_path / "it.xml", [one])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("amount", [0, -1, 10**18])
def test_an_amount_that_is_none_is_not_written(amount: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        pain(tmp_path / "it.xml", [replace(PAYOUTS[0], amount=amount)])


@pytest.mark.parametrize(
    ("given", "cleaned"),
    [
        ("Nguyễn Thị  Bưởi ", "Nguyễn Thị Bưởi"),
        ("Nguye\u0302\u0303n", "Nguyễn"),
        ("\u202eNguyễn\u202c Đào\u200b", "Nguyễn Đào"),
        ("một\r\nhai\tba\u00a0bốn\u2028năm", "một hai ba bốn năm"),
        ("a\x00b\x1bc\ufffe\ud800d", "abcd"),
        ("\u200f\u200b", ""),
        ("x" * 140, "x" * 140),
        ("x" * 139 + " y", "x" * 139),
        ("x" * 139 + "ɔ\u0303\u0301", "x" * 139),
        ("\u0303" * 200, "\u0303" * 140),
    ],
)
def test_a_name_is_cleaned_and_cut_between_letters(given: str, cleaned: str) -> None:
    assert values.clean(given, 140) == cleaned


@given(ANY_TEXT, st.integers(1, 150))
def test_cleaning_is_done_once_and_for_all(given: str, limit: int) -> None:
    cleaned = values.clean(given, limit)
    assert values.clean(cleaned, limit) == cleaned
    assert len(cleaned) <= limit
    assert cleaned.isprintable()


def test_a_party_whose_name_cannot_be_shown_is_named_by_its_account(tmp_path: Path) -> None:
    pain(tmp_path / "it.xml", [replace(PAYOUTS[0], creditor=Party("\u200b", "0011001", "970436"))])
    root = iso_xsd.valid(tmp_path / "it.xml")
    assert text(next(transfers_in(root)), "Cdtr/Nm") == "0011001"


def test_a_time_without_a_zone_is_not_written() -> None:
    with pytest.raises(ValueError):
        values.moment(datetime(2026, 11, 29, 16, 5))
