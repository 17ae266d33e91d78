"""Provinces, communes and wards: today's, and what they were called before July 2025."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vietnam_provinces import Ward as PackagedWard

from kit.errors import InvalidArgument, NotFound
from kit.qr.names import fold
from services.onboarding import seed
from services.onboarding.places import table
from services.onboarding.places.table import Kind, Place

WARDS = {ward.code: ward for province in table.provinces() for ward in table.wards(province.code)}


def first(query: str) -> Place:
    return table.search(query)[0]


def test_there_are_34_provinces_and_3321_communes_and_wards() -> None:
    assert (len(table.provinces()), len(WARDS)) == (34, 3321)
    assert [province.name for province in table.provinces()][:3] == ["An Giang", "Bắc Ninh", "Cà Mau"]


def test_the_table_says_what_the_package_says_but_for_codes_of_the_decisions_draft() -> None:
    def named(name: str) -> str:
        # Dashes, apostrophes and spaces are typed in many ways; "Xã Xã Bắc Sơn" is the package's slip.
        return re.sub(r"[^a-z0-9]", "", fold(name).lower().replace("xa xa ", "xa "))

    packaged = {f"{ward.code.value:05}": named(ward.name) for ward in PackagedWard.iter_all()}
    same = [code for code, ward in WARDS.items() if packaged.get(code) == named(ward.name)]
    assert len(WARDS) - len(same) == 123
    assert sorted(packaged.values()) == sorted(named(ward.name) for ward in WARDS.values())


@pytest.mark.parametrize(
    "query", ["thi tran Hung Son", "Thị trấn Hùng Sơn", "TT. Hùng Sơn, H. Đại Từ", "thị trấn hùng sơn huyện đại từ"]
)
def test_a_former_town_leads_to_the_commune_that_stands_there_now(query: str) -> None:
    found = first(query)
    assert (found.kind, found.name, found.within) == (
        Kind.FORMER_COMMUNE, "Thị trấn Hùng Sơn", "Huyện Đại Từ, Thái Nguyên",
    )  # fmt: skip
    assert [ward.name for ward in found.now] == ["Xã Đại Phúc"]


@pytest.mark.parametrize("query", ["huyen Dai Tu", "Huyện Đại Từ", "h. đại từ"])
def test_a_former_district_leads_to_all_communes_that_it_became(query: str) -> None:
    found = first(query)
    assert (found.kind, found.name) == (Kind.FORMER_DISTRICT, "Huyện Đại Từ")
    assert {"Xã Đại Phúc", "Xã La Bằng", "Xã Đại Từ"} <= {ward.name for ward in found.now}


def test_a_province_that_was_merged_away_is_found_and_says_where_it_is() -> None:
    found = first("tỉnh Bắc Kạn")
    assert (found.kind, found.province.name) == (Kind.FORMER_PROVINCE, "Thái Nguyên")


@pytest.mark.parametrize(
    ("query", "name"),
    [("dai phuc", "Xã Đại Phúc"), ("Xã La Bằng", "Xã La Bằng"), ("thai nguy", "Thái Nguyên"), ("Hà Nội", "Hà Nội")],
)
def test_todays_units_come_first_where_the_name_is_the_same(query: str, name: str) -> None:
    assert (first(query).name, first(query).kind in (Kind.PROVINCE, Kind.WARD)) == (name, True)


def test_a_search_can_be_kept_to_one_province() -> None:
    within = table.search("hung son", "19", 20)
    assert within
    assert {place.province.code for place in within} == {"19"}
    assert len(table.search("hung son", "", 20)) > len([p for p in within if p.name.endswith("Hùng Sơn")])


def test_a_ward_knows_what_it_was_formed_from() -> None:
    assert table.ward("05488").name == "Xã Đại Phúc"
    assert "Thị trấn Hùng Sơn" in {place.name for place in table.formed_from("05488")}
    for code in ("05761", "99999", "", "x"):
        with pytest.raises(NotFound):
            table.ward(code)
    with pytest.raises(NotFound):
        table.wards("02")


def test_every_former_commune_leads_to_wards_that_exist() -> None:
    rows = table._table()
    for i in range(*rows.rows(Kind.FORMER_COMMUNE)):
        codes = rows.cells(i)[5].split()
        assert codes
        assert all(code in WARDS for code in codes)


def test_the_seeded_markets_stand_in_wards_of_the_table() -> None:
    for market in seed.markets():
        ward = table.ward(market.ward_code)
        assert (ward.name, ward.province.name) == (market.ward_name, market.province_name)


@given(st.sampled_from(sorted(WARDS)))
def test_every_ward_is_found_by_its_full_name_without_diacritics(code: str) -> None:
    ward = WARDS[code]
    found = table.search(fold(f"{ward.name}, {ward.province.name}"), ward.province.code, 20)
    assert ward.code in {place.code for place in found if place.kind is Kind.WARD}


def test_a_letter_of_a_name_that_also_stands_for_a_district_finds_the_ward_of_today() -> None:
    found = table.search("Xã Ea H'Leo, Đắk Lắk", "66", 20)
    assert (found[0].kind, found[0].code) == (Kind.WARD, "24184")


@settings(max_examples=40)
@given(st.text(max_size=120), st.sampled_from(["", "19", "02"]))
def test_whatever_is_typed_is_answered_or_refused(query: str, province: str) -> None:
    with suppress(InvalidArgument):
        assert len(table.search(query, province)) <= table.FOUND_USUAL


@pytest.mark.parametrize(("query", "limit"), [("a", 0), ("x" * 101, 0), ("thái", 21), ("thái", -1)])
def test_a_search_that_makes_no_sense_is_refused(query: str, limit: int) -> None:
    with pytest.raises(InvalidArgument):
        table.search(query, limit=limit)


def test_every_commune_has_its_middle_in_vietnam_and_near_its_neighbours() -> None:
    found = [ward for province in table.provinces() for ward in table.wards(province.code)]
    assert all(8 < ward.latitude < 24 and 102 < ward.longitude < 115 for ward in found)
    thai_nguyen = table.wards("19")
    assert all(21.3 < ward.latitude < 22.8 and 105.4 < ward.longitude < 106.3 for ward in thai_nguyen)
    assert len({(ward.latitude, ward.longitude) for ward in thai_nguyen}) == len(thai_nguyen)
