"""What the client says when heads of a log do not fit together: in Vietnamese and English, read by words.py."""

from collections.abc import Mapping

GOSSIP: Mapping[str, tuple[str, str]] = {
    "HEAD_FORK": (
        "BÁO ĐỘNG: sàn {server} cho thấy hai lịch sử khác nhau. Mốc nhật ký đã giữ: {kept}. Mốc nêu bây giờ: {told}. "
        "Không mốc nào nối tiếp mốc kia. Hãy gửi tệp này cho cơ quan quản lý: {path}",
        "ALARM: {server} has shown two histories. Head of the log kept before: {kept}. Head told now: {told}. "
        "Neither continues the other. Send this file to the regulator: {path}",
    ),
    "HEAD_UNPROVED": (
        "BÁO ĐỘNG: quá một ngày, sàn {server} chưa chứng minh rằng hai mốc nhật ký đã nêu thuộc cùng một lịch sử: "
        "{kept} và {told}. Hãy gửi tệp này cho cơ quan quản lý: {path}",
        "ALARM: for more than a day {server} has not proved that two heads it told of its log are of one history: "
        "{kept} and {told}. Send this file to the regulator: {path}",
    ),
    "HEAD_NOT_NAMED": (
        "Sàn {server} không nêu mốc nhật ký trong câu trả lời như trước đây; mốc đã giữ: {kept}.",
        "{server} named no head of its log in its answers, as it did before; the one kept: {kept}.",
    ),
    "HEADS_FILE": (
        "Tệp {path} giữ các mốc nhật ký đã biết bị hỏng, nên không so sánh được. Hãy cất nó đi để bắt đầu lại.",
        "{path}, which keeps the known heads of logs, is damaged; nothing was compared. Move it away to begin anew.",
    ),
    "HEADS_NOT_KEPT": (
        "Không giữ được mốc nhật ký trong {path}: {reason}.",
        "The head of the log could not be kept in {path}: {reason}.",
    ),
}
