"""The columns of a stall's sheet of products. Pure."""

from __future__ import annotations

from kit.sheets.columns import Column, Columns

ROWS_MAX = 1_000

PRODUCTS = Columns(
    (
        Column("product_id", "Mã mặt hàng", ("ma", "ma hang", "ma san pham", "product id", "id"), False,
               "Để trống cho mặt hàng mới. Không sửa mã có sẵn.", ""),
        Column("name", "Tên mặt hàng", ("ten", "ten hang", "mat hang", "ten san pham", "san pham", "name", "product"),
               True, "Tên mà người mua thấy.", "Chè Tân Cương móc câu"),
        Column("description", "Mô tả", ("ghi chu", "chi tiet", "description"), False, "Tùy ý.", "Chè búp nhỏ"),
        Column("category", "Nhóm hàng", ("nhom", "loai", "loai hang", "category"), False,
               "Như trong danh mục: Chè; Rau, củ; ...", "Chè"),
        Column("unit", "Đơn vị tính", ("don vi", "dvt", "unit"), True, "kg, lạng, bó, con, chục, túi, ...", "kg"),
        Column("price", "Giá (đồng)", ("gia", "gia ban", "don gia", "price"), True, "Đồng một đơn vị.", "450000"),
        Column("stock", "Tồn kho", ("ton", "so luong", "sl", "con", "stock", "quantity"), False,
               "Số đơn vị đang có; để trống: giữ nguyên.", "60"),
        Column("stock_was", "Tồn lúc tải bảng", ("stock when taken out",), False,
               "Không sửa. Tồn kho vẫn như đây: giữ nguyên, dù đã bán bớt sau khi tải.", ""),
        Column("net_grams", "Gam một đơn vị", ("khoi luong", "gam", "trong luong", "net grams", "grams"), False,
               "Cho hàng đếm: một túi nặng bao nhiêu gam.", ""),
        Column("state", "Trạng thái", ("tinh trang", "state", "status"), False,
               "Nháp, Đang bán, Ẩn hoặc Ngừng bán; để trống: giữ nguyên.", "Đang bán"),
    ),
    template="GET /v1/merchants/{merchant_id}/product-sheet",
    rows_max=ROWS_MAX,
    parts=("a thousand products at a time", "mỗi tệp một nghìn mặt hàng"),
)  # fmt: skip
TITLES = {column.field: column.title for column in PRODUCTS.all}
