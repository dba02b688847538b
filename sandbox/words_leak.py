"""The words of budgets, repeated statistics and overlapping questions (B3, D1, N1, X2 of an account)."""

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
