"""What suspensions, and statements at the end of a contract, are called and refused with: (Vietnamese, English)."""

from __future__ import annotations

NAMES: dict[str, tuple[str, str]] = {
    "holder-provider": ("bên bán", "the seller"),
    "holder-consumer": ("bên mua", "the buyer"),
    "holder-listing": ("đơn vị vận hành sàn hoặc cơ quan quản lý", "the operator or a regulator"),
    "hold-breach": ("nghi ngờ vi phạm hợp đồng", "a suspected breach of the contract"),
    "hold-security": ("sự cố an toàn thông tin hoặc dữ liệu", "a security or data incident"),
    "hold-claim": ("bên thứ ba khiếu nại về quyền đối với dữ liệu", "a third party claims rights in the data"),
    "hold-payment": ("chưa thanh toán", "payment is missing"),
    "hold-authority": ("theo yêu cầu của cơ quan có thẩm quyền", "an order of a competent authority"),
    "hold-other": ("lý do khác", "another reason"),
    "hold-listing": ("tin niêm yết bị tạm dừng", "the listing was stopped"),
    "superseded-by": ("được thay bằng hợp đồng mới", "replaced by a new contract"),
    "destroyed": ("đã tiêu hủy", "destroyed"),
    "returned": ("đã hoàn trả", "returned"),
    "none-received": ("không nhận dữ liệu", "no data received"),
}

SENTENCES: dict[str, tuple[str, str]] = {
    "STATEMENT_OF_ANOTHER": (
        "Bản xác nhận không thuộc hợp đồng này: {path} là {value}, phải là {passes}.",
        "The statement is not about this contract: {path} is {value} and must be {passes}.",
    ),
    "STATEMENT_DEED_UNKNOWN": (
        "Không có cách xử lý “{value}”. Hãy chọn một trong: {passes}.",
        "There is no such deed as “{value}”. Choose one of: {passes}.",
    ),
    "STATEMENT_NOTE_REFUSED": (
        "Phần ghi chú phải là văn bản không quá {limit} ký tự.",
        "The note must be text of at most {limit} characters.",
    ),
}
