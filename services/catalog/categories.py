"""What kinds of things markets sell. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from kit.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    name_vi: str
    name_en: str


CATEGORIES = (
    Category("tea", "Chè", "Tea"),
    Category("vegetables", "Rau, củ", "Vegetables"),
    Category("fruit", "Trái cây", "Fruit"),
    Category("herbs", "Gia vị, rau thơm", "Herbs and spices"),
    Category("mushrooms", "Nấm, măng", "Mushrooms and bamboo shoots"),
    Category("rice", "Gạo, ngũ cốc", "Rice and grain"),
    Category("noodles", "Miến, bún, mì", "Noodles"),
    Category("beans", "Đậu, lạc, vừng", "Beans, peanuts, sesame"),
    Category("tofu", "Đậu phụ", "Tofu"),
    Category("pork", "Thịt lợn", "Pork"),
    Category("beef", "Thịt trâu, bò", "Beef and buffalo"),
    Category("poultry", "Gia cầm", "Poultry"),
    Category("fish", "Cá, thủy sản", "Fish and seafood"),
    Category("eggs", "Trứng", "Eggs"),
    Category("dairy", "Sữa", "Dairy"),
    Category("honey", "Mật ong", "Honey"),
    Category("preserves", "Mắm, dưa, thực phẩm chế biến", "Preserves"),
    Category("sweets", "Bánh, kẹo", "Cakes and sweets"),
    Category("cooked", "Đồ ăn chín", "Cooked food"),
    Category("drinks", "Đồ uống, rượu", "Drinks"),
    Category("flowers", "Hoa, cây cảnh", "Flowers and plants"),
    Category("seed", "Giống, phân bón", "Seed and fertiliser"),
    Category("crafts", "Hàng thủ công", "Crafts"),
    Category("household", "Đồ gia dụng", "Household goods"),
    Category("clothes", "Quần áo, giày dép", "Clothes and shoes"),
    Category("other", "Hàng khác", "Other"),
)
_CODES = frozenset(category.code for category in CATEGORIES)


def check_category(code: str) -> str:
    """A category's code, or "" for none. Raises InvalidArgument."""
    if code and code not in _CODES:
        raise InvalidArgument(
            f"category must be one of: {', '.join(category.code for category in CATEGORIES)}",
            vi=f"Nhóm hàng phải là một trong: {', '.join(category.name_vi for category in CATEGORIES)}.",
        )
    return code
