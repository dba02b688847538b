"""What pages and paper call the parts of a report and an incident. Paper prints both languages, so both stand here."""

from collections.abc import Mapping
from typing import Any

from contracts.negotiation import Reason
from contracts.negotiation_words import REASONS
from exchange.catalogue.vocabulary import SECTORS
from exchange.errors import N_
from exchange.i18n import load
from exchange.negotiations.pages import END_CODES
from sandbox import words_report
from sandbox.words_report import Term

TEXTS: Mapping[str, Term] = {
    "draft": Term("BẢN DỰ THẢO, CHƯA NỘP", "DRAFT, NOT SUBMITTED"),
    "period": Term("Kỳ báo cáo", "Period"),
    "trial": Term("Thử nghiệm", "The trial"),
    "cert_no": Term("Số giấy chứng nhận", "Certificate number"),
    "authority": Term("Cơ quan cấp", "Authority"),
    "level": Term("Cấp độ thử nghiệm", "Level"),
    "valid": Term("Thời hạn", "Term"),
    "log": Term("Nhật ký: số bản ghi và mã gốc của cây", "Log: size and root of the tree"),
    "counted": Term("Số liệu tính lúc", "Counted at"),
    "signed_off": Term("Xác nhận và nộp", "Signed off and submitted"),
    "submitted": Term("Nộp lúc", "Submitted at"),
    "digest": Term("Mã băm của báo cáo", "Digest of the report"),
    "question": Term("Câu hỏi của thử nghiệm và trả lời", "The trial's question, and the answer"),
    "measure": Term("Tiêu chí thành công và mức đạt được", "The measure of success, and how far it is reached"),
    "own_deviations": Term("Nội dung thực hiện khác với giấy chứng nhận", "Departures from the certificate"),
    "remarks": Term("Ý kiến khác của đơn vị vận hành", "Further remarks of the operator"),
    "none": Term("Không có.", "None."),
    "total": Term("Tổng cộng", "Total"),
    "money": Term(
        "Giá trị hợp đồng có hiệu lực trong kỳ, theo lĩnh vực", "Value of contracts that came into force, by sector"
    ),
    "caps": Term("Hạn mức thử nghiệm: đã dùng và mức cho phép", "Caps of the trial: used and limit"),
    "incidents": Term("Sự cố", "Incidents"),
    "no_incidents": Term("Không có sự cố nào được ghi nhận.", "No incident is recorded."),
    "deviations": Term("Sai lệch do hệ thống xác định từ nhật ký", "Departures found in the log"),
    "no_deviations": Term("Không có.", "None."),
    "record": Term("bản ghi số", "record no."),
    "sources": Term("Nguồn của từng số liệu", "Where each number comes from"),
    "how": Term(
        "Ai có nhật ký đều tính lại được các số này từ những bản ghi nêu dưới đây, tới kích thước cây ghi ở trang đầu.",
        "Whoever has the log can count these again from the records named here, up to the size of the tree above.",
    ),
}  # fmt: skip
SEVERITIES = {"serious": N_("Serious"), "minor": N_("Minor")}
CODES = {
    "personal_data": N_("Personal data affected"),
    "leak": N_("Data got out"),
    "access": N_("Access by somebody not entitled"),
    "outage": N_("The exchange stood still"),
    "integrity": N_("Data or records altered or lost"),
    "limit": N_("A limit of the trial was exceeded"),
    "fraud": N_("Fraud or deception"),
    "other": N_("Something else"),
}
STATES = {  # of a period's report
    "running": (N_("Still running"), "off"),
    "due": (N_("To be reported"), "wait"),
    "overdue": (N_("Overdue"), "bad"),
    "submitted": (N_("Report submitted"), "good"),
    "late": (N_("Submitted late"), "wait"),
}
_OF = Term("{used}, mức cho phép {limit}", "{used} of {limit}")
_CONTRACTS = Term("{count} hợp đồng", "contracts: {count}")
_DETECTED = Term("phát hiện lúc {at}", "detected {at}")
_REPORTED = Term("báo cáo cơ quan quản lý lúc {at}", "reported to the authority {at}")
_UNREPORTED = Term("chưa báo cáo cơ quan quản lý", "not reported to the authority")
_CLOSED = Term("khép lại lúc {at}", "closed {at}")
_OPEN = Term("chưa khép lại", "open")
_LATE = Term("QUÁ THỜI HẠN BÁO CÁO", "REPORTED LATE")
_UNCONFIRMED = Term("chưa được xác nhận", "not confirmed")


def say(name: str, lang: str) -> str:
    """One of TEXTS."""
    return TEXTS[name].say(lang)


def value_of(number: Mapping[str, Any], lang: str) -> str:
    """A number of the report, with its parts behind it."""
    value = words_report.number(number["value"], lang)
    parts = [f"{key_of(number['name'], row['key'], lang)}: {row['value']}" for row in number["rows"]]
    return f"{value} ({'; '.join(parts)})" if parts else value


def key_of(name: str, key: str, lang: str) -> str:
    """What stands for a code by which a number is split; a code without words stays."""
    if name == "negotiations_ended" and key in set(Reason):
        return REASONS[Reason(key)][0 if lang == "vi" else 1]
    if name == "contracts_ended" and key in END_CODES:
        return translated(END_CODES[key], lang)
    return key or "—"


def dong(amount: int, lang: str) -> str:
    """Đồng."""
    return f"{words_report.number(amount, lang)} ₫"


def used(value: int, limit: int, lang: str) -> str:
    """So much of so much."""
    return _OF.say(lang).format(used=words_report.number(value, lang), limit=words_report.number(limit, lang))


def contracts(count: int, lang: str) -> str:
    """So many contracts."""
    return _CONTRACTS.say(lang).format(count=words_report.number(count, lang))


def sector(code: str, lang: str) -> str:
    """A sector by its name."""
    return translated(SECTORS[code], lang) if code in SECTORS else code or "—"


def incident(one: Mapping[str, Any], lang: str) -> list[str]:
    """An incident of a report, line by line."""
    severity = translated(SEVERITIES.get(one["severity"], one["severity"]), lang)
    unsure = "" if one["confirmed"] else f" ({_UNCONFIRMED.say(lang)})"
    lines = [f"{severity}{unsure}; {translated(CODES.get(one['code'], one['code']), lang)}"]
    lines.append(_DETECTED.say(lang).format(at=words_report.moment(one["detected_ms"])))
    for place, done, undone in ((one["reported"], _REPORTED, _UNREPORTED), (one["closed"], _CLOSED, _OPEN)):
        lines.append(
            undone.say(lang) if place is None else done.say(lang).format(at=words_report.moment(place["at_ms"]))
        )
    return [*lines, _LATE.say(lang)] if one["late"] else lines


def translated(text: str, lang: str) -> str:
    """A marked sentence in a language that need not be the reader's."""
    return str(load(lang).gettext(text))
