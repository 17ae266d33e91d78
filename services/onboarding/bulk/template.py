"""The spreadsheet that is filled in: a list whose columns are text, so that no zero is lost, and how to fill it in."""

from __future__ import annotations

import io
from functools import cache

from kit.sheets.table import ROWS_MAX
from services.onboarding.bulk.columns import COLUMNS

FILE_NAME = "cho-mau-danh-sach.xlsx"
_STEPS = (
    "Điền mỗi sạp một dòng ở trang \"Danh sách\". Dòng mẫu màu xám là ví dụ: hãy xóa trước khi gửi.",
    "Cột có dấu (*) là bắt buộc. Không đổi tên cột; thứ tự cột tùy ý; cột thêm của riêng bạn được giữ nguyên.",
    "Các ô đã để kiểu Văn bản (Text) để không mất số 0 ở đầu. Khi dán, chọn \"Dán giá trị\" (Paste values).",
    f"Tối đa {ROWS_MAX} dòng một tệp. Lưu dạng XLSX, hoặc CSV UTF-8.",
    "Gửi tệp để kiểm tra thử trước: chưa có hồ sơ nào được tạo. Tải tệp kết quả, sửa những dòng báo lỗi rồi gửi lại cả "
    "tệp: dòng đã nạp không bị nạp hai lần.",
    "Sau khi nạp, mỗi dòng là một hồ sơ chờ duyệt. Người duyệt phải là người khác.",
    "Tệp có dữ liệu cá nhân: không gửi qua mạng xã hội, xóa khi xong việc.",
)  # fmt: skip
_WIDTH = 20


@cache
def template() -> bytes:
    """The file; the same for everybody."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    book = Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False})
    text = book.add_format({"num_format": "@"})
    bold = book.add_format({"bold": True, "num_format": "@", "bg_color": "#E2EFDA", "border": 1})
    grey = book.add_format({"font_color": "#808080", "italic": True, "num_format": "@"})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    page = book.add_worksheet("Danh sách")
    page.freeze_panes(1, 0)
    for place, column in enumerate(COLUMNS):
        page.set_column(place, place, _WIDTH, text)
        page.write_string(0, place, f"{column.title} (*)" if column.required else column.title, bold)
        page.write_comment(0, place, column.hint)
        page.write_string(1, place, column.example, grey)
    guide = book.add_worksheet("Hướng dẫn")
    guide.set_column(0, 0, 32, wrap)
    guide.set_column(1, 1, 80, wrap)
    for line, step in enumerate(_STEPS):
        guide.write_string(line, 0, f"Bước {line + 1}")
        guide.write_string(line, 1, step)
    for line, column in enumerate(COLUMNS, len(_STEPS) + 2):
        guide.write_string(line, 0, f"{column.title} (*)" if column.required else column.title, bold)
        guide.write_string(line, 1, column.hint)
    book.close()
    return out.getvalue()
