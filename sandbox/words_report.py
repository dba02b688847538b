"""The report of a trial in words: names of its numbers, where each comes from, the sentences it always carries.

Vietnamese and English, both complete; the tests compare the keys with those of sandbox.report.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sandbox.trial import ZONE


class Term(NamedTuple):
    """One name or sentence in both languages."""

    vi: str
    en: str

    def say(self, lang: str) -> str:
        """It in "vi" or "en"."""
        return self.vi if lang == "vi" else self.en


NAMES: Mapping[str, Term] = {
    "members": Term("Tổ chức đang tham gia cuối kỳ", "Organisations taking part at the end"),
    "members_joined": Term(
        "Tổ chức tham gia hoặc xác nhận thông báo trong kỳ", "Organisations that joined or accepted the notice"
    ),
    "members_left": Term("Lượt ngừng tham gia, tham gia lại", "Organisations that left or came back"),
    "members_acting": Term("Tổ chức có hoạt động mua hoặc bán trong kỳ", "Organisations that acted as buyer or seller"),
    "buyers": Term("Trong đó: với vai trò Bên mua", "Of these as buyers"),
    "sellers": Term("Trong đó: với vai trò Bên bán", "Of these as sellers"),
    "listings_submitted": Term("Sản phẩm dữ liệu được nộp để kiểm duyệt", "Listings submitted for moderation"),
    "listings_published": Term("Sản phẩm dữ liệu được niêm yết", "Listings published"),
    "listings_returned": Term("Lượt trả lại hồ sơ niêm yết", "Listings returned for correction"),
    "listings_suspended": Term("Lượt tạm dừng niêm yết", "Suspensions of listings"),
    "listings_withdrawn": Term("Lượt hủy niêm yết", "Delistings"),
    "requests": Term("Yêu cầu truy cập dữ liệu", "Requests for access"),
    "requests_answered": Term("Đàm phán được Bên bán trả lời", "Negotiations that the seller answered"),
    "negotiations_ended": Term("Đàm phán kết thúc không có hợp đồng", "Negotiations that ended without a contract"),
    "contracts_agreed": Term("Hợp đồng được lập", "Contracts drawn up"),
    "contracts_active": Term("Hợp đồng có hiệu lực", "Contracts that came into force"),
    "contracts_suspended": Term("Lượt tạm dừng hợp đồng", "Suspensions of contracts"),
    "contracts_ended": Term("Hợp đồng chấm dứt trước hạn hoặc bị thay thế", "Contracts ended early or replaced"),
    "duties_disputed": Term("Tuyên bố tiêu hủy dữ liệu bị phản đối", "Statements of destruction disputed"),
    "deliveries": Term("Lượt giao dữ liệu", "Deliveries"),
    "delivered_bytes": Term("Dung lượng dữ liệu đã giao (byte)", "Data delivered (bytes)"),
    "deliveries_refused": Term("Lượt giao dữ liệu bị từ chối hoặc bị ngắt", "Deliveries refused or cut"),
    "rooms": Term("Môi trường thử nghiệm dữ liệu được mở", "Test rooms opened"),
    "queries": Term("Câu hỏi được trả lời", "Queries answered"),
    "queries_charged": Term("Trong đó: có trừ ngân sách", "Of these charged to a budget"),
    "queries_refused": Term("Câu hỏi bị từ chối", "Queries refused"),
    "acts_refused": Term(
        "Việc trên sàn bị quy tắc thử nghiệm từ chối (theo từng quy tắc)",
        "Acts on the market that the trial's rules refused",
    ),
    "looks": Term("Lượt tra cứu của cơ quan quản lý", "Looks by officials"),
    "evidence": Term("Hồ sơ chứng cứ được xuất", "Evidence bundles exported"),
}
CAPS: Mapping[str, Term] = {
    "members": Term("Số tổ chức tham gia", "Organisations taking part"),
    "listings": Term("Số sản phẩm dữ liệu đang niêm yết", "Listings on offer"),
    "tx_vnd": Term("Giá trị hợp đồng lớn nhất (đồng)", "Largest contract (đồng)"),
    "total_vnd": Term("Tổng giá trị hợp đồng (đồng)", "Value of all contracts (đồng)"),
}
# Which numbers stand together, and under which heading.
GROUPS: tuple[tuple[Term, tuple[str, ...]], ...] = (
    (
        Term("Tham gia và chất lượng tham gia", "Participation and its quality"),
        ("members", "members_joined", "members_left", "members_acting", "buyers", "sellers", "requests_answered",
         "negotiations_ended", "duties_disputed"),
    ),
    (
        Term("Niêm yết", "Listings"),
        ("listings_submitted", "listings_published", "listings_returned", "listings_suspended", "listings_withdrawn"),
    ),
    (
        Term("Yêu cầu, hợp đồng, giao dữ liệu", "Requests, contracts, deliveries"),
        ("requests", "contracts_agreed", "contracts_active", "contracts_suspended", "contracts_ended", "deliveries",
         "delivered_bytes", "deliveries_refused"),
    ),
    (
        Term("Môi trường thử nghiệm dữ liệu", "Test rooms"),
        ("rooms", "queries", "queries_charged", "queries_refused"),
    ),
    (Term("Giám sát", "Supervision"), ("acts_refused", "looks", "evidence")),
)  # fmt: skip
DEVIATIONS: Mapping[str, Term] = {
    "REPORT_OVERDUE": Term(
        "Báo cáo cho kỳ kết thúc ngày {until} nộp quá hạn.", "The report of the period that ended on {until} was late."
    ),
    "INCIDENT_REPORT_LATE": Term(
        "Sự cố {incident} được báo cáo quá thời hạn.", "The incident {incident} was reported late."
    ),
    "TRIAL_CAP_EXCEEDED": Term(
        "Vượt hạn mức thử nghiệm ({cap}): {used} trên hạn mức {limit}.",
        "Over a cap of the trial ({cap}): {used} of {limit}.",
    ),
    "TRIAL_SUSPENDED": Term("Thử nghiệm bị tạm dừng.", "The trial was suspended."),
    "TRIAL_TERMINATED": Term("Thử nghiệm bị chấm dứt.", "The trial was terminated."),
}  # fmt: skip
TITLES: Mapping[str, Term] = {
    "periodic": Term("Báo cáo định kỳ về thử nghiệm có kiểm soát", "Periodic report of a controlled trial"),
    "exit": Term("Báo cáo tổng kết thử nghiệm có kiểm soát", "Exit report of a controlled trial"),
}
# T19: no more than this may be promised.
LIABILITY = Term(
    "Về trách nhiệm: tổ chức tham gia chỉ có thể được xem xét miễn trách nhiệm hành chính, dân sự đối với thiệt hại "
    "gây ra cho Nhà nước khi đã thực hiện đúng, đầy đủ quy định về thử nghiệm và không gian dối (Điều 9 Luật số "
    "93/2025/QH15). Trách nhiệm đối với tổ chức, cá nhân khác không được miễn. Báo cáo này không xác nhận việc miễn "
    "trách nhiệm.",
    "On liability: an organisation may be exempted from administrative and civil liability for damage to the State "
    "only, and only where the rules of the trial were followed in full and nobody deceived (Law 93/2025/QH15 Art. 9). "
    "Nothing exempts from liability towards other organisations and persons. This report does not state that anybody "
    "is exempt.",
)
MONEY_SOURCE = Term(
    "Giá và lĩnh vực lấy từ văn bản hợp đồng và bản niêm yết có mã băm ghi trong các bản ghi đó.",
    "Price and sector are those of the contract and the listing whose digests stand in these records.",
)
ON_TOP = Term(
    "Không tính hợp đồng đã thôi trước khi hai bên ký.",
    "Contracts that were given up before both sides had signed are left out.",
)
_FOLDS: Mapping[str, Term] = {
    "count": Term("Số bản ghi", "Number of records"),
    "sum": Term("Tổng giá trị “{of}” của các bản ghi", "Sum of “{of}” of records"),
    "subjects": Term(
        "Số đối tượng “{of}” khác nhau trong các bản ghi", "Number of different subjects “{of}” of records"
    ),
    "actors": Term("Số tổ chức khác nhau thực hiện các bản ghi", "Number of different organisations that made records"),
    "standing": Term(
        "Số đối tượng “{of}” còn tồn tại theo bản ghi cuối cùng về từng đối tượng, trong các bản ghi",
        "Number of subjects “{of}” that the last record about each leaves there, of records",
    ),
}  # fmt: skip
_OF_TYPES = Term(" loại {types}", " of type {types}")
_WHERE = Term(", có {where}", ", with {where}")
_ABOUT = Term(", về {about}", ", about {about}")
_SPAN = Term(", từ {from} đến trước {before}", ", from {from} until before {before}")
_PLACES = Term(": {count} bản ghi, từ số {first} đến số {last}.", ": {count} records, from no. {first} to no. {last}.")
_ONE_PLACE = Term(": 1 bản ghi, số {first}.", ": 1 record, no. {first}.")
_NONE = Term(": không có bản ghi nào.", ": there are none.")


def source(records: Mapping[str, Any], lang: str) -> str:
    """Where a number comes from, in one sentence: enough to count again by hand."""
    parts = [_FOLDS[records["fold"]].say(lang).format(of=records["of"])]
    parts.append(_OF_TYPES.say(lang).format(types=", ".join(records["types"])))
    if records["where"]:
        where = ", ".join(f"{name} = {_value(value)}" for name, value in sorted(records["where"].items()))
        parts.append(_WHERE.say(lang).format(where=where))
    if records["about"]:
        parts.append(_ABOUT.say(lang).format(about=records["about"]))
    begin = moment(records["from_ms"]) if records["from_ms"] else _BEGIN.say(lang)
    parts.append(_SPAN.say(lang).format(**{"from": begin, "before": moment(records["before_ms"])}))
    place = {0: _NONE, 1: _ONE_PLACE}.get(records["count"], _PLACES)
    parts.append(place.say(lang).format(count=number(records["count"], lang), **_bounds(records, lang)))
    return "".join(parts)


_BEGIN = Term("bản ghi đầu tiên", "the first record on")


def deviation(found: Mapping[str, Any], lang: str) -> str:
    """A departure from the trial's rules, in one sentence."""
    facts = {name: number(value, lang) if isinstance(value, int) else value for name, value in found["facts"].items()}
    return DEVIATIONS[found["code"]].say(lang).format(**facts)


def moment(at_ms: int) -> str:
    """Milliseconds since 1970 UTC as a moment in Viet Nam."""
    return datetime.fromtimestamp(at_ms / 1000, ZONE).strftime("%d/%m/%Y %H:%M")


def number(value: int, lang: str) -> str:
    """A whole number, grouped as readers of the language group."""
    return f"{value:,}".replace(",", "." if lang == "vi" else ",")


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bounds(records: Mapping[str, Any], lang: str) -> dict[str, str]:
    return {name: number(records[name], lang) for name in ("first", "last") if records[name] is not None}
