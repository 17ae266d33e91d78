"""Messages against schemas derived from generated bindings, and that deriving is sound."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lxml import etree

from services.settlement.iso import pacs009
from services.settlement.records import FileHead, InstitutionTransfer, Party
from tests.settlement import iso_bindings, iso_status_files
from tests.settlement.iso_xsd import schema_file

pytestmark = pytest.mark.skipif(not iso_bindings.is_there(), reason="needs the package pyiso20022 (schemas.txt)")

OFFICIAL = (
    "pacs.008.001.08", "pain.001.001.09", "pain.002.001.12", "pain.002.001.14", "camt.053.001.08", "camt.054.001.08",
    "pacs.002.001.11", "pacs.009.001.09",
)  # fmt: skip


@pytest.mark.parametrize("version", OFFICIAL)
def test_a_derived_schema_is_the_official_one_type_by_type(version: str) -> None:
    official = iso_bindings.flat(etree.parse(schema_file(version)).getroot())
    assert iso_bindings.flat(iso_bindings.derived(version)) == official
    assert len(official) > 80


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
    _schema("pacs.009.001.09").assertValid(etree.parse(tmp_path / "it.xml"))


@pytest.mark.parametrize("version", iso_status_files.VERSIONS)
def test_the_status_files_of_the_tests_are_valid(version: str, tmp_path: Path) -> None:
    path = iso_status_files.written(tmp_path, version, iso_status_files.SAMPLE)
    _schema(version).assertValid(etree.parse(path))


def _schema(version: str) -> etree.XMLSchema:
    # Written out and read again: libxml2 then knows the prefixes within attribute values.
    return etree.XMLSchema(etree.fromstring(etree.tostring(iso_bindings.derived(version))))
