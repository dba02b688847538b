"""What a changed field means to whoever reads the change: values as words, and one plain sentence per field.

In `EFFECTS`, {B} and {b} are the buyer (you, when the reader is the buyer), {S} and {s} the seller, at the beginning
and in the middle of a sentence; {v} is the new value. English verbs are modal, so that they fit every subject.
"""

from __future__ import annotations

from contracts.terms import PERIODS

Pair = tuple[str, str]  # Vietnamese, English

UNIT_OF: dict[str, str] = {
    **PERIODS,
    **{"royalty_percent": "percent", "penalty_percent": "percent"},
    **{"max_deliveries": "times", "max_queries": "queries", "min_group": "units"},
}
MONEY = ("price_vnd", "liability_cap_vnd")
DAYS = ("starts", "ends")

NO_LIMIT: Pair = ("không giới hạn", "no limit")
NOT_AGREED: Pair = ("không thỏa thuận", "not agreed")
AT_ONCE: Pair = ("ngay khi phát hiện", "at once")
NOTHING: dict[str, Pair] = {
    **dict.fromkeys(("max_deliveries", "max_queries", "min_group", "max_hours", "liability_cap_vnd"), NO_LIMIT),
    "incident_hours": AT_ONCE,
}
CHOICES: dict[str, dict[object, Pair]] = {
    "exclusive": {True: ("độc quyền", "exclusive"), False: ("không độc quyền", "not exclusive")},
    "attribution": {True: ("phải ghi nguồn", "required"), False: ("không bắt buộc", "not required")},
    "onward_transfer": {
        "none": ("không được chuyển giao", "not allowed"),
        "derived-only": ("chỉ sản phẩm tạo ra từ dữ liệu", "only derived products"),
        "allowed": ("được chuyển giao", "allowed"),
    },
    "vat": {"excluded": ("chưa gồm trong giá", "not in the price"), "included": ("đã gồm trong giá", "in the price")},
    "dispute_forum": {
        "court": ("Tòa án có thẩm quyền", "the competent court"),
        "viac": (
            "Trung tâm Trọng tài Quốc tế Việt Nam (VIAC)",
            "the Vietnam International Arbitration Centre (VIAC)",
        ),
    },
    "licence": {
        "L0": ("L0, dữ liệu mở", "L0, open"),
        "L1": ("L1, chỉ thử trong phòng thử", "L1, test room only"),
        "L2": ("L2, chỉ truy vấn", "L2, query, answers only"),
        "L3": ("L3, sử dụng nội bộ", "L3, internal use"),
        "L4": ("L4, tạo sản phẩm giá trị gia tăng", "L4, derived products"),
        "L5": ("L5, phân phối lại", "L5, redistribution"),
        "L6": ("L6, độc quyền", "L6, exclusive"),
        "L7": ("L7, nghiên cứu", "L7, research"),
        "L8": ("L8, huấn luyện AI", "L8, training AI"),
    },
}
TERRITORIES: dict[str, Pair] = {"VN": ("Việt Nam", "Viet Nam")}

READERS: dict[str, dict[str, Pair]] = {  # slot -> by the reader's role
    "B": {"consumer": ("Tổ chức", "You"), "provider": ("Bên mua", "The buyer"), "": ("Bên mua", "The buyer")},
    "b": {"consumer": ("tổ chức", "you"), "provider": ("Bên mua", "the buyer"), "": ("Bên mua", "the buyer")},
    "S": {"consumer": ("Bên bán", "The seller"), "provider": ("Tổ chức", "You"), "": ("Bên bán", "The seller")},
    "s": {"consumer": ("Bên bán", "the seller"), "provider": ("tổ chức", "you"), "": ("Bên bán", "the seller")},
}

PRICE: dict[str, dict[str, Pair]] = {
    "less": {
        "consumer": (
            "Tổ chức trả ít hơn {d}: {after} thay vì {before}.",
            "You pay {d} less: {after} instead of {before}.",
        ),
        "provider": (
            "Tổ chức nhận ít hơn {d}: {after} thay vì {before}.",
            "You receive {d} less: {after} instead of {before}.",
        ),
        "": ("Giá giảm {d}: {after} thay vì {before}.", "The price falls by {d}: {after} instead of {before}."),
    },
    "more": {
        "consumer": (
            "Tổ chức trả nhiều hơn {d}: {after} thay vì {before}.",
            "You pay {d} more: {after} instead of {before}.",
        ),
        "provider": (
            "Tổ chức nhận nhiều hơn {d}: {after} thay vì {before}.",
            "You receive {d} more: {after} instead of {before}.",
        ),
        "": ("Giá tăng {d}: {after} thay vì {before}.", "The price rises by {d}: {after} instead of {before}."),
    },
}

BEFORE: Pair = (" (trước đây: {before})", " (before: {before})")
LATER: Pair = (" (muộn hơn trước {d})", " ({d} later than before)")
EARLIER: Pair = (" (sớm hơn trước {d})", " ({d} earlier than before)")

REWORDED: Pair = (
    "Nội dung về {label} được viết lại; hãy đọc kỹ trước khi trả lời.",
    "The {label} is worded differently; read the new text before you answer.",
)
REMOVED: Pair = ("Bỏ nội dung về {label}.", "The part on the {label} is dropped.")

# Field -> what holds now, for a value.
EFFECTS: dict[str, Pair] = {
    "licence": ("{B} được dùng dữ liệu theo giấy phép {v}.", "{B} may use the data under licence {v}."),
    "starts": ("{B} được dùng dữ liệu từ {v}{delta}.", "{B} may use the data from {v}{delta}."),
    "ends": ("{B} được dùng dữ liệu đến hết {v}{delta}.", "{B} may use the data until {v}{delta}."),
    "territory": ("{B} được dùng dữ liệu tại: {v}.", "{B} may use the data in: {v}."),
    "report_days": (
        "{B} phải báo cáo bên nhận lại dữ liệu {v} một lần{delta}.",
        "{B} must report who received the data every {v}{delta}.",
    ),
    "payment_days": (
        "{B} phải thanh toán trong {v} kể từ khi hợp đồng được ghi vào nhật ký{delta}.",
        "{B} must pay within {v} of the contract's record in the log{delta}.",
    ),
    "royalty_percent": (
        "{B} phải trả cho {s} {v} doanh thu từ sản phẩm tạo ra hoặc phân phối lại từ dữ liệu{delta}.",
        "{B} must pay {s} {v} of the revenue from what is derived or redistributed from the data{delta}.",
    ),
    "update_days": (
        "{S} phải đưa ra bản cập nhật ít nhất {v} một lần{delta}.",
        "{S} must offer an updated version at least every {v}{delta}.",
    ),
    "max_deliveries": ("{B} được tải tệp tối đa {v}{delta}.", "{B} may fetch the files at most {v}{delta}."),
    "max_queries": ("{B} được truy vấn tối đa {v}{delta}.", "{B} may ask at most {v}{delta}."),
    "min_group": (
        "Kết quả chỉ được trả lời cho nhóm từ {v} trở lên{delta}.",
        "Answers must cover groups of {v} or more{delta}.",
    ),
    "max_hours": (
        "{B} được dùng môi trường thử nghiệm trong {v} kể từ lần dùng đầu tiên{delta}.",
        "{B} may use the test room for {v} from the first use{delta}.",
    ),
    "acceptance_days": (
        "{B} phải nêu ý kiến trong {v} kể từ khi nhận dữ liệu, nếu không thì coi như đã nghiệm thu{delta}.",
        "{B} must object within {v} of a delivery, or it counts as accepted{delta}.",
    ),
    "audit_days": (
        "{S} được kiểm tra việc sử dụng dữ liệu khi báo trước {v}{delta}.",
        "{S} may inspect how the data are used, after {v} of notice{delta}.",
    ),
    "incident_hours": (
        "Bên phát hiện sự cố phải thông báo cho bên kia trong {v}{delta}.",
        "Whoever finds an incident must tell the other side within {v}{delta}.",
    ),
    "deletion_days": (
        "{B} phải xóa dữ liệu và gửi bằng chứng trong {v} sau khi hợp đồng kết thúc{delta}.",
        "{B} must delete the data and send proof within {v} of the end{delta}.",
    ),
    "liability_cap_vnd": (
        "Mỗi bên bồi thường tối đa {v}{delta}.",
        "Neither side must pay more than {v} in damages{delta}.",
    ),
    "penalty_percent": (
        "Bên vi phạm phải chịu phạt {v} giá trị phần nghĩa vụ bị vi phạm{delta}.",
        "Whoever breaks a duty must pay {v} of its value as a penalty{delta}.",
    ),
    "dispute_forum": ("Tranh chấp do {v} giải quyết.", "Disputes go to {v}."),
}
# Field -> what holds now, when nothing is agreed any more.
EFFECTS_OF_NOTHING: dict[str, Pair] = {
    "report_days": (
        "{B} vẫn phải báo cáo bên nhận lại dữ liệu, nhưng không theo kỳ cố định.",
        "{B} must still report who received the data, but at no fixed interval.",
    ),
    "payment_days": ("Không còn thỏa thuận thời hạn thanh toán.", "No time to pay is agreed any more."),
    "royalty_percent": ("{B} không phải chia doanh thu cho {s}.", "{B} need not share revenue with {s}."),
    "update_days": ("{S} không phải đưa ra bản cập nhật.", "{S} need not offer updated versions."),
    "max_deliveries": ("{B} được tải tệp không giới hạn số lần.", "{B} may fetch the files any number of times."),
    "max_queries": ("{B} được truy vấn không giới hạn số lượt.", "{B} may ask any number of queries."),
    "min_group": ("Kết quả không còn cỡ nhóm tối thiểu.", "Answers have no smallest group any more."),
    "max_hours": (
        "{B} được dùng môi trường thử nghiệm trong suốt thời hạn.",
        "{B} may use the test room during the whole term.",
    ),
    "acceptance_days": (
        "Không còn thời hạn nêu ý kiến về dữ liệu đã giao.",
        "No time to object to a delivery is set any more.",
    ),
    "audit_days": (
        "{S} không có quyền kiểm tra riêng việc sử dụng dữ liệu.",
        "{S} may not inspect how the data are used.",
    ),
    "incident_hours": (
        "Bên phát hiện sự cố phải thông báo ngay cho bên kia.",
        "Whoever finds an incident must tell the other side at once.",
    ),
    "liability_cap_vnd": ("Mức bồi thường không còn giới hạn.", "Damages have no agreed limit any more."),
    "penalty_percent": ("Không còn thỏa thuận phạt vi phạm.", "No penalty is agreed any more."),
}
# Field -> value -> what holds now.
EFFECTS_OF_CHOICES: dict[str, dict[object, Pair]] = {
    "exclusive": {
        True: ("{S} không được cấp quyền trùng lặp cho bên khác.", "{S} may not grant the same right to others."),
        False: ("{S} được cấp quyền tương tự cho bên khác.", "{S} may grant the same right to others too."),
    },
    "onward_transfer": {
        "none": ("{B} không được chuyển giao cho bên thứ ba.", "{B} may not pass anything on to third parties."),
        "derived-only": (
            "{B} chỉ được chuyển giao sản phẩm tạo ra từ dữ liệu.",
            "{B} may pass on only products derived from the data.",
        ),
        "allowed": ("{B} được chuyển giao dữ liệu cho bên thứ ba.", "{B} may pass the data on to third parties."),
    },
    "attribution": {
        True: ("{B} phải ghi nguồn dữ liệu.", "{B} must name the source of the data."),
        False: ("{B} không bắt buộc ghi nguồn dữ liệu.", "{B} need not name the source of the data."),
    },
    "vat": {
        "included": ("Giá đã gồm thuế giá trị gia tăng.", "The price includes value-added tax."),
        "excluded": (
            "{B} phải trả thêm thuế giá trị gia tăng ngoài giá.",
            "{B} must pay value-added tax on top of the price.",
        ),
    },
}
