"""What the client says about accounts of questions: in Vietnamese and English, read by words.py."""

from collections.abc import Mapping

LEAKS: Mapping[str, tuple[str, str]] = {
    "ACCOUNT": ("{id}: {name}, {state}, {level}", "{id}: {name}, {state}, {level}"),
    "ACCOUNT_SPENT": (
        "  Đã hỏi {used}/{limit} câu, ngân sách riêng tư {epsilon}/{most} phần triệu ε, {close} câu gần trùng "
        "câu trước, {attempts} lần hỏi điều bị cấm.",
        "  {used} of {limit} questions, {epsilon} of {most} millionths of ε, {close} questions close "
        "to an earlier one, {attempts} attempts at what the rules forbid.",
    ),
    "NO_ACCOUNTS": (
        "Chưa ai mở phòng thử nghiệm với dữ liệu này.",
        "Nobody has opened a test room on these data.",
    ),
    "ACCOUNT_KILL_CONFIRM": (
        "Chấm dứt hẳn tài khoản câu hỏi {account}? Không thể khôi phục.",
        "End the account of questions {account} for good? This cannot be undone.",
    ),
    "ACCOUNT_CHANGED": (
        "Tài khoản {id}: {state}, tối đa {limit} câu hỏi.",
        "Account {id}: {state}, {limit} questions at most.",
    ),
}
