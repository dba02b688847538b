"""What the client says about test rooms and their rules: in Vietnamese and English, read by words.py."""

from collections.abc import Mapping

ROOMS: Mapping[str, tuple[str, str]] = {
    "ROOM": (
        "Phòng thử {id}, mở đến {closes}. Bảng: {table}. Nhóm nhỏ nhất: {min_group} {unit}. "
        "Còn {queries} câu hỏi, hôm nay {today}.",
        "Test room {id}, open until {closes}. Table: {table}. Smallest group: {min_group} {unit}. "
        "{queries} questions left, {today} of them today.",
    ),
    "SUPPRESSED": (
        "Các nhóm nhỏ hơn mức tối thiểu không được hiển thị, nếu có.",
        "Groups below the floor, if there are any, are not shown.",
    ),
    "TRUNCATED": ("Kết quả bị cắt ở mức trần số dòng.", "The answer was cut at the limit of rows."),
    "NOISE": (
        "“{column}” có thêm nhiễu: lệch không quá ±{most} trong 19 trên 20 trường hợp.",
        "“{column}” carries noise: off by at most ±{most} in 19 of 20 cases.",
    ),
    "ANSWERED": ("{ms} ms; bản ghi nhật ký {event}", "{ms} ms; log record {event}"),
    "GENERATED": (
        "Dữ liệu giả lập: kết quả không nói gì về dữ liệu thật, không bị tính lượt.",
        "Generated rows: this says nothing about the data, and nothing was spent.",
    ),
    "WOULD_PASS": ("Câu hỏi này hợp lệ.", "This question passes the rules."),
    "NEAREST": ("Câu hỏi được phép gần nhất:", "The nearest question that is allowed:"),
    "STOPPED_AT": ("Dừng ở vị trí {position}: {text}", "It stopped at place {position}: {text}"),
    "NOTHING_ASKED": ("Chưa có câu hỏi nào trong phòng này.", "Nothing was asked in this room yet."),
    "RULES_IN_FORCE": (
        "Quy tắc phòng thử nghiệm: phiên bản {version}, mã băm {digest}, bản ghi nhật ký {event}.",
        "Rules of the test rooms: version {version}, digest {digest}, log record {event}.",
    ),
    "RULES_DEFAULT": (
        "Đang áp dụng quy tắc mặc định của sàn.",
        "The exchange's own default is in force.",
    ),
}
