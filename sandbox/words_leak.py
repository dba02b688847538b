"""The words of budgets, repeated statistics and overlapping questions (B3, D1, N1, X2 of an account)."""

from collections.abc import Mapping

from sandbox.words import Words

LEAK = {
    "B3": Words(
        "Ngân sách riêng tư không đủ: câu hỏi này cần {cost} phần triệu ε, còn {left} trên tổng số {limit}.",
        "The privacy budget is not enough: this question needs {cost} millionths of ε, {left} of {limit} are left.",
        "Hỏi lại câu đã có trả lời (không tốn thêm), hoặc đề nghị bên cung cấp cấp thêm.",
        "Ask again what was answered before (it costs nothing), or ask the provider for more.",
    ),
    "B5": Words(
        "Đã dùng hết số lượt yêu cầu ({limit}), kể cả câu bị từ chối và câu hỏi lại.",
        "All requests ({limit}) have been used, refused and repeated questions included.",
        "Đề nghị bên cung cấp cấp thêm.",
        "Ask the provider for more.",
    ),
    "D1": Words(
        "Câu hỏi này chỉ khác một câu hỏi trước ở phần nhỏ của cột {column}; lấy hiệu hai câu trả lời sẽ lộ phần đó.",
        "This question differs from an earlier one only in a small part of {column}; "
        "subtracting the two answers would show that part.",
        "Hỏi một lần theo nhóm: GROUP BY {column}; nhóm quá nhỏ sẽ không hiện.",
        "Ask once by groups: GROUP BY {column}; groups that are too small stay hidden.",
    ),
    "N1": Words(
        "Thống kê này đã được trả lời; kết quả như trước, không trừ vào ngân sách.",
        "This statistic has been answered before; the numbers are the same and nothing is charged.",
        "Hỏi thống kê khác nếu cần thêm thông tin.",
        "Ask for another statistic if you need to know more.",
    ),
    "N2": Words(
        "Chính thống kê này đang được tính.",
        "This very statistic is being computed.",
        "Hỏi lại sau giây lát; khi đó không bị trừ thêm.",
        "Ask again in a moment; it will cost nothing then.",
    ),
    "X8": Words(
        "Tài khoản câu hỏi của dữ liệu này đang tạm dừng.",
        "The account of questions to this dataset is paused.",
        "Chờ bên cung cấp dữ liệu xem xét; yêu cầu đã được chuyển đến họ.",
        "Wait for the provider of the data, who has been asked to look at it.",
    ),
    "X9": Words(
        "Quyền hỏi dữ liệu này đã bị chấm dứt.",
        "Questions to this dataset have been stopped for good.",
        "Liên hệ bên cung cấp dữ liệu.",
        "Contact the provider of the data.",
    ),
}

# What the rules that refuse questions are about, by the first letter of their code: Vietnamese, English.
_SUBJECTS: Mapping[str, tuple[str, str]] = {
    "A": ("Cách tổng hợp không được phép", "A way of aggregating that is not allowed"),
    "B": ("Hết ngân sách câu hỏi, yêu cầu hoặc riêng tư", "A budget of questions, requests or privacy used up"),
    "C": ("Cột không được dùng như vậy", "A column that may not be used so"),
    "D": ("Câu hỏi quá gần một câu hỏi trước", "A question too close to an earlier one"),
    "E": ("Máy tính không hoàn thành, hoặc xuất dữ liệu", "Not completed by the engine, or an export"),
    "F": ("Hàm không được phép", "A function that is not allowed"),
    "H": ("Điều kiện HAVING không được phép", "A condition in HAVING that is not allowed"),
    "K": ("Nhóm quá nhỏ", "Groups too small"),
    "L": ("Văn bản câu hỏi quá dài hoặc có ký tự lạ", "A text too long, or with strange signs"),
    "N": ("Thống kê đã hoặc đang được tính", "A statistic answered or being computed already"),
    "O": ("Câu trả lời quá lớn", "An answer too large"),
    "P": ("Không đúng câu hỏi được bên cung cấp duyệt", "Not as the provider approved the question"),
    "S": ("Không phải một câu SELECT đơn giản", "Not one plain SELECT"),
    "T": ("Bảng khác bảng của môi trường thử nghiệm", "Another table than the room's"),
    "W": ("Điều kiện lọc không được phép", "A condition that is not allowed"),
    "X": ("Hoàn cảnh: thời gian, mục đích, tài khoản", "Circumstances: time, purpose, account"),
    "Z": ("Hai bộ đọc SQL không thống nhất", "Two readers of SQL disagree"),
}
_OF_TRIAL = ("Quy tắc của thử nghiệm", "A rule of the trial")
_OF_CONTRACT = ("Điều khoản của Hợp đồng", "A clause of the contract")


def subject(code: str, lang: str) -> str:
    """What the rule of this code is about, in a few words: for whoever counts refusals and sees no question."""
    from sandbox.words_trial import TRIAL

    if len(code) <= 2 or code.startswith("E-"):
        pair = _SUBJECTS.get(code[:1], _OF_CONTRACT)
    else:
        pair = _OF_TRIAL if any(each.partition(":")[0] == code for each in TRIAL) else _OF_CONTRACT
    return pair[lang != "vi"]
