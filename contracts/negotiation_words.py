"""What negotiations say beyond turns and states: why one ended, when proposals are spent, who was faster."""

from __future__ import annotations

from contracts.negotiation import Reason

SENTENCES: dict[str, tuple[str, str]] = {
    "PROPOSALS_SPENT": (
        "{role} đã đưa ra {used}/{limit} bản điều khoản, không thể đưa thêm. Được phép: {passes}.",
        "The {role} has made {used} of {limit} proposals and can make no more. Allowed: {passes}.",
    ),
    "LAST_MOVE": (
        "Bước gần nhất: {act}, do {who} thực hiện lúc {at}. Trạng thái hiện nay: {state}. Hãy mở lại trang.",
        "The latest step: {act}, made by {who} at {at}. The state now: {state}. Load the page again.",
    ),
}

# Why a negotiation ended without a contract, as a choice in a list.
REASONS: dict[Reason, tuple[str, str]] = {
    Reason.PRICE: ("Không thống nhất được về giá", "No agreement on the price"),
    Reason.TERMS: ("Không thống nhất được về điều khoản khác", "No agreement on other terms"),
    Reason.PURPOSE: (
        "Mục đích hoặc kịch bản sử dụng không được chấp thuận",
        "The purpose or scenario is not acceptable",
    ),
    Reason.PARTY: ("Không giao kết với bên này", "No contract with this party"),
    Reason.RIGHTS: ("Quyền đối với dữ liệu không còn hoặc chưa rõ", "The right to the data has ended or is unclear"),
    Reason.APPROVAL: ("Cấp có thẩm quyền nội bộ không phê duyệt", "Internal approval was refused"),
    Reason.NO_NEED: ("Không còn nhu cầu", "No longer needed"),
    Reason.MISTAKE: ("Gửi nhầm", "Sent by mistake"),
    Reason.OTHER: ("Lý do khác", "Another reason"),
    Reason.LAPSED: ("Hết thời hạn trả lời", "Nobody answered in time"),
}
