"""A province's worth of made-up goods: markets, stalls and products with Vietnamese names, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date

from cho.events.v1 import events_pb2

from kit.marketrule import UNKNOWN, MarketDays, Rule
from services.catalog.market import Market
from services.catalog.merchant import Merchant

MARKETS = 107
STALLS = 2_140
# 1 January 2026, ms: when the first product was listed; one every two seconds after it.
_FIRST_MS, _APART_MS = 1_767_225_600_000, 2_000

# What is sold, its unit, and đồng per unit; the first ones are sold most often.
GOODS = (
    ("Rau muống", "bó", 8_000), ("Cà chua", "kg", 25_000), ("Thịt lợn ba chỉ", "kg", 140_000),
    ("Chè búp", "kg", 350_000), ("Gạo tẻ", "kg", 22_000), ("Cá chép", "kg", 75_000), ("Trứng gà ta", "chục", 40_000),
    ("Đậu phụ", "bìa", 4_000), ("Cải ngọt", "bó", 7_000), ("Bí xanh", "kg", 18_000), ("Khoai lang", "kg", 20_000),
    ("Gà ta", "con", 220_000), ("Tôm đồng", "kg", 260_000), ("Chuối tiêu", "nải", 25_000), ("Bưởi", "quả", 35_000),
    ("Hành lá", "bó", 5_000), ("Tỏi", "kg", 60_000), ("Ớt", "lạng", 8_000), ("Gừng", "kg", 45_000),
    ("Thịt bò", "kg", 260_000), ("Mướp đắng", "kg", 24_000), ("Bắp cải", "kg", 14_000), ("Su hào", "củ", 6_000),
    ("Cà rốt", "kg", 20_000), ("Dưa chuột", "kg", 18_000), ("Đậu cô ve", "kg", 30_000), ("Rau mồng tơi", "bó", 6_000),
    ("Rau ngót", "bó", 7_000), ("Măng tươi", "kg", 35_000), ("Nấm hương", "lạng", 35_000), ("Mộc nhĩ", "lạng", 18_000),
    ("Miến dong", "kg", 75_000), ("Bún khô", "kg", 40_000), ("Bánh chưng", "cái", 45_000), ("Giò lụa", "kg", 160_000),
    ("Mật ong", "lít", 250_000), ("Nước mắm", "lít", 60_000), ("Lạc đỏ", "kg", 55_000), ("Đậu xanh", "kg", 48_000),
    ("Vừng đen", "kg", 80_000), ("Gạo nếp cái hoa vàng", "kg", 38_000), ("Ngô nếp", "chục", 40_000),
    ("Sắn", "kg", 12_000), ("Cam sành", "kg", 35_000), ("Quýt", "kg", 40_000), ("Táo ta", "kg", 25_000),
    ("Na dai", "kg", 55_000), ("Nhãn lồng", "kg", 45_000), ("Vải thiều", "kg", 40_000), ("Thanh long", "kg", 28_000),
    ("Dứa", "quả", 12_000), ("Xoài", "kg", 35_000), ("Hồng không hạt", "kg", 60_000), ("Mít", "kg", 20_000),
    ("Cá trắm", "kg", 85_000), ("Cá rô đồng", "kg", 120_000), ("Lươn", "kg", 180_000), ("Ếch", "kg", 110_000),
    ("Cua đồng", "kg", 150_000), ("Ốc nhồi", "kg", 90_000), ("Vịt", "con", 160_000), ("Ngan", "con", 280_000),
    ("Chim bồ câu", "đôi", 150_000), ("Trứng vịt", "chục", 38_000), ("Sữa dê", "lít", 50_000),
    ("Chổi chít", "cái", 35_000), ("Rổ tre", "cái", 60_000), ("Nón lá", "cái", 70_000), ("Hoa hồng", "bó", 50_000),
    ("Hoa cúc", "bó", 40_000), ("Hoa đào", "cành", 200_000), ("Trầu cau", "túi", 30_000), ("Vàng mã", "bộ", 20_000),
)  # fmt: skip
KINDS = (
    "", "sạch", "loại một", "loại hai", "non", "già", "tươi", "khô", "hữu cơ", "nhà trồng", "đặc biệt", "ngon",
    "mới hái", "nhỏ", "to", "rừng", "đồi", "vườn", "nương", "ruộng", "chín", "xanh", "đỏ", "trắng", "tím", "vàng",
)  # fmt: skip
PLACES = (
    "", "Tân Cương", "Định Hóa", "La Bằng", "Trại Cài", "Phú Bình", "Đại Từ", "Võ Nhai", "Đồng Hỷ", "Phổ Yên",
    "Hùng Sơn", "Phú Lương", "Văn Hán", "Hòa Bình", "Bắc Kạn", "Chợ Mới", "Na Rì", "Ba Bể", "Bắc Giang", "Lạng Sơn",
    "Mộc Châu", "Sa Pa", "Hưng Yên", "Thanh Hà", "Lục Ngạn", "Cao Phong", "Đoan Hùng", "Diễn", "Năm Roi", "Đà Lạt",
    "Phú Quốc", "Cà Mau", "Việt Cường", "Khe Cốc", "Minh Lập", "Tức Tranh", "Vô Tranh", "Sông Cầu", "Quang Sơn",
    "Úc Kỳ",
)  # fmt: skip
STALLS_OF = ("Cô", "Chú", "Bác", "Chị", "Anh", "Bà", "Ông")
NAMES = (
    "Nga", "Hạnh", "Bảy", "Lan", "Hoa", "Tâm", "Thủy", "Hòa", "Dũng", "Tuấn", "Mai", "Phượng", "Sơn", "Thắm", "Liên",
    "Quý", "Khoa", "Vân", "Yến", "Ngọc", "Đức", "Hiền", "Loan", "Bình", "Thoa", "Xuân", "Thu", "Đông", "Hà", "Cúc",
)  # fmt: skip

_HELD = (
    MarketDays(Rule.DAILY), MarketDays(Rule.DAILY), UNKNOWN,
    *(MarketDays(Rule.LUNAR, days=tuple(range(first, 31, 5))) for first in range(1, 6)),
    *(MarketDays(Rule.EVERY_DAYS, every, date(2026, 1, every)) for every in (2, 3, 6)),
    *(MarketDays(Rule.WEEKDAYS, days=days) for days in ((7,), (6, 7), (2, 5))),
)  # fmt: skip


def markets() -> Iterator[Market]:
    """All markets, each with its calendar."""
    for number in range(MARKETS):
        place = PLACES[1 + number % (len(PLACES) - 1)]
        held = _HELD[number % len(_HELD)]
        yield Market(market_id(number), f"Chợ {place} {number}", f"Xã {place}", "Tỉnh Thái Nguyên", held, False, 1)


def stalls() -> Iterator[Merchant]:
    """All stalls, as many a market as at the next."""
    dice = random.Random(1)  # noqa: S311 - goods, not secrets
    for number in range(STALLS):
        name = f"Sạp {dice.choice(STALLS_OF)} {dice.choice(NAMES)} {number}"
        yield Merchant(_merchant_id(number), name, f"usr_{number:032x}", market_id(number % MARKETS), True, 1)


def products(count: int) -> Iterator[events_pb2.ProductChanged]:
    """`count` products, oldest first; one in nine is out of stock."""
    dice = random.Random(2)  # noqa: S311
    shares = [1 / rank for rank in range(1, len(GOODS) + 1)]
    for number, (good, unit, price) in enumerate(dice.choices(GOODS, shares, k=count)):
        kind, place = dice.choice(KINDS), dice.choice(PLACES)
        name = " ".join(filter(None, (good, kind, place)))
        at_ms = _FIRST_MS + number * _APART_MS
        fact = events_pb2.ProductChanged(
            product_id=f"prd_{at_ms:012x}7{dice.getrandbits(12):03x}8{dice.getrandbits(60):015x}",
            merchant_id=_merchant_id(dice.randrange(STALLS)),
            name=name,
            description=f"{good} {kind} bán tại chợ, {dice.choice(KINDS)}, {dice.choice(PLACES)}."[:200],
            unit=unit,
            price=max(1_000, 1_000 * round(price * dice.uniform(0.7, 1.4) / 1_000)),
            stock=0 if dice.random() < 1 / 9 else dice.randrange(1, 200),
            version=1,
        )
        fact.updated_at.FromMilliseconds(at_ms)
        yield fact


def market_id(number: int) -> str:
    return f"mkt_{number:032x}"


def _merchant_id(number: int) -> str:
    return f"mer_{number:032x}"
