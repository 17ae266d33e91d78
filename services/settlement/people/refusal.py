"""The text beside a file that was refused: why, and what to do, in Vietnamese and English. Pure."""

from __future__ import annotations

from services.settlement.records import FileRefused

VIETNAMESE = {
    "ACCEPTANCE": "Tệp không phải là xác nhận số dư bù trừ (pack, net, accepted, reason). Hãy gửi đúng mẫu.",
    "ACCOUNT": "Sao kê của một tài khoản khác. Hãy gửi sao kê tài khoản của hệ thống.",
    "ACK_BROKEN": "Tệp báo nhận (.ack.json) không đúng mẫu. Hãy tạo lại rồi gửi lại.",
    "AFTER_TRAILER": "Sau dòng kết thúc (TR) còn có dòng khác. Hãy gửi lại tệp.",
    "AMOUNT": "Số tiền không hợp lệ với loại tiền đó. Hãy sửa số tiền rồi gửi lại.",
    "BALANCE": "Số dư đầu kỳ và các bút toán không ra số dư cuối kỳ. Hãy lập lại sao kê rồi gửi lại.",
    "BATCH_MAX": "Một bút toán gồm quá nhiều giao dịch. Hãy tách bút toán rồi gửi lại.",
    "CHECKSUM": "Mã kiểm tra của dòng không đúng: dòng đã bị hỏng hoặc bị sửa. Hãy gửi lại tệp.",
    "COLUMNS": "Tiêu đề thiếu cột hoặc một dòng có số cột khác. Hãy xuất lại tệp theo đúng mẫu cột.",
    "CONTRADICTION": "Tệp tự mâu thuẫn: một lệnh có hai trạng thái khác nhau. Hãy làm rõ rồi gửi lại.",
    "COUNT": "Số bút toán trong tệp khác với số đã khai. Hãy gửi lại tệp đầy đủ.",
    "CSV_BROKEN": "Dấu ngoặc kép trong tệp CSV không được đóng. Hãy xuất lại tệp rồi gửi lại.",
    "DATE": "Ngày hoặc giờ không hợp lệ. Hãy sửa rồi gửi lại.",
    "EMPTY": "Tệp trống. Hãy gửi lại tệp đầy đủ.",
    "ENCODING": "Ký tự trong tệp không đúng bảng mã đã khai. Hãy lưu tệp ở dạng UTF-8 rồi gửi lại.",
    "ENTRIES_MAX": "Tệp có quá nhiều bút toán. Hãy chia thành nhiều tệp rồi gửi lại.",
    "FIELDS": "Một trường thiếu, sai thứ tự hoặc sai độ dài. Hãy sửa theo đúng mẫu rồi gửi lại.",
    "FIELD_BROKEN": "Một trường có giá trị không đọc được. Hãy sửa rồi gửi lại.",
    "FIELD_MISSING": "Thiếu một trường bắt buộc. Hãy bổ sung rồi gửi lại.",
    "FIELD_TOO_LONG": "Số tham chiếu hoặc số tài khoản quá dài. Hãy sửa rồi gửi lại.",
    "FIELD_UNKNOWN": "Một mã hoặc từ không được biết. Hãy dùng mã theo mẫu rồi gửi lại.",
    "FORMULA": "Một ô chứa công thức của bảng tính. Hãy ghi giá trị thay cho công thức rồi gửi lại.",
    "FUTURE_DATE": "Ngày trong tệp chưa đến hoặc chưa kết thúc. Hãy kiểm tra ngày rồi gửi lại sau.",
    "KIND": "Tệp tra soát (SL, XL) không được đọc. Hãy gửi tệp giao dịch thành công (TC).",
    "LINE_TOO_LONG": "Một dòng quá dài. Hãy xuất lại tệp rồi gửi lại.",
    "MESSAGE_ID": "Mã thông điệp này đã dùng cho một nội dung khác. Hãy gửi lại với mã thông điệp mới.",
    "MT_BROKEN": "Một trường của MT940/MT942 không đúng chuẩn SWIFT. Hãy xuất lại tệp rồi gửi lại.",
    "NAME": "Tên tệp không đúng quy ước hoặc không khớp nội dung. Hãy đặt lại tên rồi gửi lại.",
    "NAME_TAKEN": "Một tệp khác nội dung đã được nhận với cùng tên. Hãy gửi lại với tên mới.",
    "NET_DIFFERS": "Tệp chấp nhận một số dư bù trừ khác với số dư trong báo cáo. Hãy kiểm tra số tiền rồi gửi lại.",
    "NOT_ASCII": "Tệp có ký tự không phải ASCII. Hãy sửa rồi gửi lại.",
    "NOT_A_STATUS": "Tệp không phải là báo cáo trạng thái. Hãy gửi pain.002 hoặc pacs.002.",
    "NOT_IN_MESSAGE": "Báo cáo nêu một lệnh không có trong thông điệp gốc. Hãy kiểm tra số tham chiếu rồi gửi lại.",
    "NOT_YOURS": "Tệp của tổ chức khác, hoặc loại tệp mà tổ chức của bạn không gửi. Hãy gửi tệp của chính mình.",
    "NO_STATUS": "Báo cáo không nêu trạng thái của lệnh. Hãy bổ sung trạng thái rồi gửi lại.",
    "NUL": "Tệp văn bản chứa byte NUL. Hãy xuất lại tệp rồi gửi lại.",
    "NUMBER_TWICE": "Hai bút toán có cùng một số thứ tự. Hãy xuất lại tệp rồi gửi lại.",
    "RECORD": "Một dòng không đúng loại bản ghi (HR, DR, TR). Hãy gửi lại tệp.",
    "SEVERAL_BATCHES": "Báo cáo nói về nhiều lô. Hãy gửi mỗi lô một báo cáo.",
    "SEVERAL_ORIGINALS": "Báo cáo nói về nhiều thông điệp gốc. Hãy gửi mỗi thông điệp một báo cáo.",
    "TOO_LARGE": "Tệp quá lớn. Hãy chia thành nhiều tệp nhỏ hơn rồi gửi lại.",
    "TOO_LONG": "Một giá trị quá dài. Hãy sửa rồi gửi lại.",
    "TOO_MANY": "Tệp có quá nhiều giao dịch. Hãy chia thành nhiều tệp rồi gửi lại.",
    "TOO_MANY_BREAKS": "Quá nhiều sai lệch cùng một loại. Hãy kiểm tra tài khoản và ngày của tệp rồi gửi lại.",
    "TOO_MANY_LINES": "Báo cáo có quá nhiều dòng. Hãy chia thành nhiều tệp rồi gửi lại.",
    "TOTALS": "Tổng số tiền trong tệp khác với tổng đã khai. Hãy lập lại tệp rồi gửi lại.",
    "TRAILER_MISSING": "Tệp không có dòng kết thúc (TR): có thể bị cắt. Hãy gửi lại tệp đầy đủ.",
    "UNKNOWN_FORMAT": "Không nhận ra định dạng tệp. Hãy gửi camt.052/053/054, MT940/942 hoặc CSV theo mẫu.",
    "UNKNOWN_MESSAGE": "Chúng tôi chưa từng gửi thông điệp gốc mà báo cáo nêu. Hãy kiểm tra mã của nó rồi gửi lại.",
    "VERSION": "Phiên bản thông điệp này không được đọc. Hãy gửi phiên bản được hỗ trợ.",
    "WINDOW": "Phiên chưa đóng, hoặc tổ chức của bạn không có số dư trong phiên. Hãy kiểm tra số phiên rồi gửi lại.",
    "XML_BROKEN": "Tệp không phải là XML đầy đủ và đúng cú pháp. Hãy xuất lại tệp rồi gửi lại.",
    "XML_DTD": "Tệp khai báo DTD (DOCTYPE). Hãy bỏ khai báo này rồi gửi lại.",
    "XML_TOO_DEEP": "Cấu trúc XML quá sâu hoặc một phần tử quá lớn. Hãy chia nhỏ nội dung rồi gửi lại.",
    "XML_TOO_LARGE": "Một phần tử XML quá lớn. Hãy chia nhỏ nội dung rồi gửi lại.",
}
_OTHERWISE = "Tệp không được nhận vì lý do nêu ở phần tiếng Anh bên dưới. Hãy sửa rồi gửi lại."


def reason_text(name: str, size: int, sha256: str, why: FileRefused) -> str:
    """The whole text. `size`: bytes of the refused file, `sha256` its hash, so that both sides mean the same file."""
    vietnamese = VIETNAMESE.get(why.reason, _OTHERWISE)
    # One line: what a stranger's file says must not pass for a line of ours.
    english = " ".join(str(why).split())[:1000]
    where_vi, where_en = (f"Dòng: {why.line}\n", f"Line: {why.line}\n") if why.line else ("", "")
    return (
        f"TỆP BỊ TỪ CHỐI\nTệp: {name}\nMã lý do: {why.reason}\n{where_vi}Lý do và cách xử lý: {vietnamese}\n"
        "Hãy gửi tệp đã sửa với tên mới; tệp này chưa được ghi nhận phần nào.\n\n"
        f"FILE REFUSED\nFile: {name}\nReason code: {why.reason}\n{where_en}Reason and what to do: {english}\n"
        "Send the corrected file under a new name; nothing of this one was taken.\n\n"
        f"{size} bytes, SHA-256 {sha256}\n"
    )
