"""The people that a fresh stack is seeded with, one of every role and more, so that a newcomer can try each.

Everybody is made up. The PIN is the same for all and is no secret: seeds exist for CHO_ENV=local only.
"""

from __future__ import annotations

from dataclasses import dataclass

from cli.wallets import made_up_card
from services.onboarding import seed as onboarding_seed

PIN = "482915"


@dataclass(frozen=True, slots=True)
class SeedPerson:
    """`number` makes id and phone: the same at every seeding."""

    number: int
    name: str
    roles: tuple[str, ...]
    institution: str = ""

    @property
    def user_id(self) -> str:
        """A fixed id in UUIDv7's form."""
        return f"usr_019700000000700080000000000{self.number:05x}"

    @property
    def phone(self) -> str:
        """A made-up number."""
        return f"0900{self.number:06d}"


OPERATOR = SeedPerson(1, "Lê Minh Vận Hành", ("operator",))
TEAM = SeedPerson(2, "Hoàng Thị Tổ Số", ("team",))
MANAGER = SeedPerson(3, "Ma Văn Quản Chợ", ("market_manager",))
AUDITOR = SeedPerson(4, "Phạm Kiểm Toán", ("auditor",))
# Whom an operator asks for a second pair of eyes.
CHECKER = SeedPerson(5, "Đặng Thị Duyệt", ("operator",))
OFFICERS = (
    SeedPerson(11, "Đỗ Thị Viettel", ("officer",), "VIETTEL"),
    SeedPerson(12, "Bùi Văn VNPT", ("officer",), "VNPT"),
    SeedPerson(13, "Vũ Thị MobiFone", ("officer",), "MOBIFONE"),
    SeedPerson(14, "Ngô Văn Agribank", ("officer",), "970405"),
)
AGENTS = (
    SeedPerson(21, "Điểm nạp rút Viettel chợ Thái", ("agent",), "VIETTEL"),
    SeedPerson(22, "Điểm nạp rút VNPT chợ Thái", ("agent",), "VNPT"),
    SeedPerson(23, "Điểm nạp rút MobiFone chợ Thái", ("agent",), "MOBIFONE"),
)
SHOPPERS = (
    SeedPerson(31, "Nguyễn Thị Hoa", ("shopper",)),
    SeedPerson(32, "Trần Văn Bình", ("shopper",)),
    SeedPerson(33, "Lý Thị Mai", ("shopper",)),
)
# Pays from an organisation's account at Viettel.
TREASURER = SeedPerson(41, "Hà Thị Kế Toán", ("shopper",))
# Which telecom a shopper's wallet, and an agent's float, is at.
TELECOMS = ("VIETTEL", "VNPT", "MOBIFONE")


def vendors() -> dict[str, SeedPerson]:
    """The owners of the seeded merchants, by the merchant's key."""
    merchants = onboarding_seed.merchants()
    return {m.key: SeedPerson(101 + i, m.owner_name, ("vendor", "shopper")) for i, m in enumerate(merchants)}


def citizen_ids() -> dict[str, str]:
    """Made-up citizen numbers, by user id, of those who may have wallets: of vendors as their forms say."""
    owners, forms = vendors(), onboarding_seed.merchants()
    found = {person.user_id: made_up_card(person.name, person.phone)[:12] for person in (*SHOPPERS, TREASURER)}
    return found | {owners[m.key].user_id: m.form("", owners[m.key].phone).citizen_id for m in forms}


def everybody() -> list[SeedPerson]:
    """All of them."""
    return [OPERATOR, CHECKER, TEAM, MANAGER, AUDITOR, *OFFICERS, *AGENTS, *SHOPPERS, TREASURER, *vendors().values()]
