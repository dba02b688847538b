"""What the client says about a contract's life: in Vietnamese and English, read by words.py."""

from collections.abc import Mapping

LIFE: Mapping[str, tuple[str, str]] = {
    "SUSPEND_CONFIRM": (
        "Tạm dừng hợp đồng {id}? Mọi việc giao dữ liệu dừng ngay.",
        "Suspend the contract {id}? Everything that is being delivered stops at once.",
    ),
    "END_CONFIRM": (
        "Chấm dứt hợp đồng {id}? Không thể khôi phục.",
        "End the contract {id}? This cannot be undone.",
    ),
    "STATEMENT_CONFIRM": (
        "Ký bản xác nhận này thay mặt {org}?",
        "Sign this statement in the name of {org}?",
    ),
    "LIFE": ("Hợp đồng {id}: {standing}.", "Contract {id}: {standing}."),
    "LIFE_HOLD": ("Tạm dừng từ {since}: {who}, {why}. {reason}", "Suspended since {since}: {who}, {why}. {reason}"),
    "LIFE_ENDED": ("Chấm dứt lúc {at} ({why}): {reason}", "Ended at {at} ({why}): {reason}"),
    "LIFE_PROPOSED": (
        "Đang thương lượng nội dung mới: {negotiation} ({state}). Hợp đồng này giữ nguyên.",
        "New terms are being negotiated: {negotiation} ({state}). This contract stays as it is.",
    ),
    "LIFE_CHANGE": ("  {field}: từ {before} thành {after}", "  {field}: from {before} to {after}"),
    "LIFE_SUCCESSOR": ("Hợp đồng thay thế: {id}", "Replaced by the contract {id}"),
    "LIFE_DUTY": (
        "Hoàn trả, xóa dữ liệu: {state}; hạn chót {due}.",
        "Return or destruction of the data: {state}; due by {due}.",
    ),
    "STATED": ("Đã lập bản xác nhận {digest} bằng khóa {kid}.", "Made the statement {digest} with the key {kid}."),
}

NAMES: Mapping[str, tuple[str, str]] = {
    "contract.suspended": ("Hợp đồng bị tạm dừng", "Contract suspended"),
    "contract.resumed": ("Hợp đồng được tiếp tục", "Contract resumed"),
    "duty.fulfilled": ("Bản xác nhận hoàn trả, xóa dữ liệu", "Statement of destruction"),
    "duty.acknowledged": ("Bên bán chấp nhận bản xác nhận", "Statement acknowledged"),
    "duty.disputed": ("Bên bán phản đối bản xác nhận", "Statement disputed"),
    "OWED": ("đang chờ bản xác nhận", "the statement is due"),
    "LATE": ("quá hạn", "late"),
    "STATED": ("đã xác nhận", "stated"),
    "DISPUTED": ("bên bán phản đối", "disputed by the seller"),
    "ACKNOWLEDGED": ("bên bán chấp nhận", "acknowledged by the seller"),
}
