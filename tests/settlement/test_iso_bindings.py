"""pacs.009 and pacs.002 against schemas derived from generated bindings, and the proof that deriving is sound."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from services.settlement.iso import pacs009
from services.settlement.records import FileHead, InstitutionTransfer, Party
from tests.settlement import iso_bindings, iso_status_files
from tests.settlement.iso_xsd import pacs009 as composed
from tests.settlement.iso_xsd import schema_file

pytestmark = pytest.mark.skipif(not iso_bindings.is_there(), reason="needs the package pyiso20022 (schemas.txt)")

OFFICIAL = (
    "pacs.008.001.08", "pain.001.001.09", "pain.002.001.12", "pain.002.001.14", "camt.053.001.08", "camt.054.001.08",
)  # fmt: skip


@pytest.mark.parametrize("version", OFFICIAL)
def test_a_derived_schema_is_the_official_one_type_by_type(version: str) -> None:
    official = iso_bindings.flat(etree.parse(schema_file(version)).getroot())
    assert iso_bindings.flat(iso_bindings.derived(version)) == official
    assert len(official) > 80


def test_what_we_check_pacs009_against_is_a_part_of_its_schema() -> None:
    whole = iso_bindings.flat(iso_bindings.derived("pacs.009.001.08"))
    ours = iso_bindings.flat(composed())
    added = ("CreditTransferTransaction36", "FinancialInstitutionCreditTransferV08", "RemittanceInformation2")
    for name in added:
        assert [one for one in whole[name][1] if one in ours[name][1]] == ours[name][1]
    required = [one[0] for one in whole["CreditTransferTransaction36"][1] if one[1] == "1"]
    assert set(required) <= {one[0] for one in ours["CreditTransferTransaction36"][1]}
    # In pacs.008 and not in pacs.009, of which the composed schema has no use.
    assert all(whole[name] == ours[name] for name in whole if name in ours and name not in added)


def net_position(path: Path) -> None:
    """A window's file for the settlement bank."""
    scheme = Party("Chợ 4.0", "99990000000001", "970418")
    viettel = Party("Viettel Money", "99990000000002", "970418")
    transfer = InstitutionTransfer("NP-000012-1", "NP-000012-VIETTEL", 75_000, viettel, scheme, "Vị thế phiên 12")
    at = datetime(2026, 11, 29, 1, tzinfo=UTC)
    head = FileHead("NP-W000012", at, Party("Chợ 4.0", "1", "PLATFORM"), date(2026, 11, 29), 1, 75_000)
    pacs009.write(path, head, [transfer])


def test_a_pacs009_is_valid_against_the_whole_schema(tmp_path: Path) -> None:
    net_position(tmp_path / "it.xml")
    _schema("pacs.009.001.08").assertValid(etree.parse(tmp_path / "it.xml"))


# ISO's own file, which may not lie in this repository.
FOLDER = os.environ.get("CHO_OFFICIAL_XSD", "")


@pytest.mark.skipif(not FOLDER, reason="CHO_OFFICIAL_XSD names no folder with ISO's pacs.009.001.09.xsd (docs)")
def test_a_pacs009_is_valid_by_the_official_schema_of_the_next_version_but_for_its_number(tmp_path: Path) -> None:
    net_position(tmp_path / "it.xml")
    text = (tmp_path / "it.xml").read_bytes().replace(b"pacs.009.001.08", b"pacs.009.001.09")
    official = etree.XMLSchema(etree.parse(Path(FOLDER) / "pacs.009.001.09.xsd"))
    official.assertValid(etree.fromstring(text).getroottree())
    assert not official.validate(etree.fromstring(text.replace(b"<NbOfTxs>1<", b"<NbOfTxs>one<")).getroottree())


@pytest.mark.parametrize("version", iso_status_files.VERSIONS)
def test_the_status_files_of_the_tests_are_valid(version: str, tmp_path: Path) -> None:
    path = iso_status_files.written(tmp_path, version, iso_status_files.SAMPLE)
    _schema(version).assertValid(etree.parse(path))


def _schema(version: str) -> etree.XMLSchema:
    # Written out and read again: libxml2 then knows the prefixes within attribute values.
    return etree.XMLSchema(etree.fromstring(etree.tostring(iso_bindings.derived(version))))
