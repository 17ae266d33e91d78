"""The columns of a list of vendors: headings in Vietnamese and English, as people write them. Pure."""

from __future__ import annotations

from kit.sheets.columns import Column, Columns, key
from kit.sheets.table import ROWS_MAX

__all__ = ["COLUMNS", "FIELDS", "VENDORS", "key", "missing", "places_of"]

COLUMNS = (
    Column("market", "Chợ", ("ten cho", "market", "market name", "market id", "ma cho"), True,
           "Tên chợ như trong hệ thống, hoặc mã chợ (mkt_...).", "Chợ Thái"),
    Column("stall", "Số sạp", ("sap", "quay", "so quay", "ma sap", "vi tri", "ki ot", "kiot", "stall", "stall number"),
           True, "Khu và số: A-12.", "A-12"),
    Column("name", "Tên cửa hàng",
           ("ten quay", "ten sap", "ten quay hang", "ten hang", "cua hang", "ten ho kinh doanh", "shop", "shop name",
            "stall name", "merchant", "merchant name"),
           True, "Tên sẽ in trên mã QR.", "Rau sạch Cô Nga"),
    Column("person_name", "Họ và tên chủ sạp",
           ("ho ten", "ho va ten", "ho ten chu sap", "chu sap", "ten chu sap", "chu ho", "ten chu ho", "nguoi ban",
            "full name", "owner", "owner name", "person name", "vendor", "vendor name"),
           True, "Như trên căn cước.", "Phạm Thị Nga"),
    Column("phone", "Số điện thoại", ("dien thoai", "sdt", "so dt", "dt", "di dong", "phone", "phone number", "mobile"),
           True, "Mười số, bắt đầu bằng 0. Ô phải là kiểu Văn bản (Text).", "0912345678"),
    Column("citizen_id", "Số căn cước",
           ("cccd", "so cccd", "can cuoc", "can cuoc cong dan", "so can cuoc cong dan", "so dinh danh",
            "so dinh danh ca nhan", "ma dinh danh", "cmnd cccd", "cccd cmnd", "so cmnd cccd", "national id",
            "id number", "citizen id"),
           True, "Mười hai số. Ô phải là kiểu Văn bản (Text).", "019187001234"),
    Column("birth_date", "Ngày sinh", ("ngay thang nam sinh", "sinh ngay", "ns", "birth date", "date of birth", "dob"),
           True, "ngày/tháng/năm.", "25/12/1987"),
    Column("sex", "Giới tính", ("nam nu", "gioi", "sex", "gender"), True, "Nam hoặc Nữ.", "Nữ"),
    Column("category_code", "Mã ngành hàng", ("nganh hang", "ma nganh", "mcc", "category", "category code"), True,
           "Bốn số (ISO 18245): 5411 tạp hóa, 5422 thịt, 5462 bánh, 5499 thực phẩm khác.", "5499"),
    Column("bank_bin", "Ngân hàng", ("ten ngan hang", "ma ngan hang", "bin", "bank", "bank bin", "bank name"), True,
           "Tên viết tắt (Agribank) hoặc sáu số mã BIN.", "Agribank"),
    Column("account_number", "Số tài khoản", ("stk", "so tk", "tai khoan", "account", "account number"), True,
           "6 đến 19 chữ số hoặc chữ cái. Ô phải là kiểu Văn bản (Text).", "8500205123456"),
    Column("account_name", "Chủ tài khoản",
           ("ten tai khoan", "ten chu tai khoan", "ten tk", "chu tk", "account name", "account holder"),
           True, "Như ngân hàng ghi, không dấu.", "PHAM THI NGA"),
    Column("tax_code", "Mã số thuế", ("mst", "ma so thue ca nhan", "tax code", "tax id", "tin"), False,
           "Để trống nếu dùng số căn cước.", ""),
    Column("address", "Địa chỉ", ("dia chi thuong tru", "noi o", "cho o", "address"), False,
           "Như trên căn cước.", "Tổ 5, phường Phan Đình Phùng, Thái Nguyên"),
    Column("citizen_issued", "Ngày cấp căn cước", ("ngay cap", "cap ngay", "ngay cap cccd", "issued", "issue date"),
           False, "ngày/tháng/năm. Cần ngày cấp hoặc ngày hết hạn.", "30/06/2021"),
    Column("citizen_expires", "Căn cước có giá trị đến",
           ("ngay het han", "het han", "co gia tri den", "expires", "expiry date"),
           False, "ngày/tháng/năm; để trống nếu không thời hạn.", ""),
    Column("enterprise_kind", "Loại hình", ("loai hinh kinh doanh", "enterprise", "enterprise kind", "kind"), False,
           "Hộ, Hợp tác xã hoặc Công ty; để trống là Hộ.", "Hộ"),
)  # fmt: skip
VENDORS = Columns(
    COLUMNS, template="GET /v1/imports/template", rows_max=ROWS_MAX, parts=("a market at a time", "mỗi chợ một tệp")
)
FIELDS = VENDORS.fields
places_of, missing = VENDORS.places_of, VENDORS.missing
