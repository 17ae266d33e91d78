"""What stands and searches cost: `.venv/bin/python -m tests.onboarding.places_measure`. No engines needed.

CPU of this process and not the clock, so that a busy machine says the same; the median of several.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from kit import qr
from kit.ids import new_id
from services.onboarding.places import table
from services.onboarding.stands import pdf

ON = date(2026, 11, 29)
RUNS = 20
MARKET_STANDS = 1_000
QUERIES = ("thi tran Hung Son", "Huyện Đại Từ", "tp thai nguyen", "xa a", "phường")


def resident_kb() -> int:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4


def cpu_ms(work: Callable[[], object], runs: int = RUNS) -> float:
    """The median of `runs`."""
    took = []
    for _ in range(runs):
        started = time.process_time()
        work()
        took.append((time.process_time() - started) * 1000)
    return statistics.median(took)


def face(number: int) -> pdf.Face:
    merchant_id, stall = new_id("mer"), f"A-{number % 10_000}"
    code = qr.QrCode(
        static=True, merchant_id=merchant_id, stall_label=stall, mcc="5411", merchant_name="Rau sach Co Nga",
        merchant_city="Thai Nguyen", name_vi="Rau sạch Cô Nga",
    )  # fmt: skip
    return pdf.Face(
        qr.encode(code), "Rau sạch Cô Nga", stall, "Chợ Hùng Sơn", "Agribank", "PHAM THI NGA", 1, merchant_id
    )


def main() -> None:
    before = resident_kb()
    started = time.process_time()
    table.provinces()
    print(
        f"table of places: {resident_kb() - before} KB, {(time.process_time() - started) * 1000:.0f} ms to load, once"
    )
    for query in QUERIES:
        print(f"search {query!r}: {cpu_ms(partial(table.search, query)):.1f} ms")
    one = [face(1)]
    for paper in pdf.PAPERS_MM:
        print_one = partial(pdf.stands, one, paper, ON)
        print(f"one stand, {paper}: {cpu_ms(print_one):.0f} ms, {len(print_one())} bytes")
    many, before = [face(number) for number in range(MARKET_STANDS)], resident_kb()
    started = time.process_time()
    printed = pdf.stands(many, "a5", ON)
    took = time.process_time() - started
    print(
        f"a market of {MARKET_STANDS}: {took:.1f} s, {took * 1000 / MARKET_STANDS:.0f} ms a stand, "
        f"{len(printed) / 1e6:.1f} MB, {(resident_kb() - before) / 1024:.0f} MB more in memory at the end"
    )


if __name__ == "__main__":
    main()
