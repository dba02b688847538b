"""Every refusal in words: what happened, and what would pass. Vietnamese and English, both complete.

A code nobody wrote a sentence for is a bug that the tests catch; the reader still gets the code.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from sandbox.days import ZONE
from sandbox.denials import Denied


class Words(NamedTuple):
    """The two sentences of one code in both languages, with named facts in braces."""

    vi: str
    en: str
    fix_vi: str
    fix_en: str


CONTEXT = {
    "X0": Words(
        "Không hiểu hoàn cảnh của câu hỏi.",
        "The circumstances of the question are not understood.",
        "Chỉ dùng các mục đã quy định.",
        "Use only the documented keys.",
    ),
    "X1": Words(
        "Ngoài thời gian được hỏi: từ {from} đến trước {to}.",
        "Outside the time for questions: from {from} until before {to}.",
        "Hỏi trong khoảng thời gian đó.",
        "Ask within that time.",
    ),
    "X2": Words(
        "Phòng thử nghiệm này không còn mở.",
        "This test room is not open any more.",
        "Mở phòng mới từ trang của sản phẩm dữ liệu; nếu phòng bị tạm dừng, hãy liên hệ Bên bán.",
        "Open a new room from the listing's page; if it was paused, contact the seller.",
    ),
    "X3": Words(
        "Mục đích chưa được khai báo hoặc không có trong thỏa thuận.",
        "The purpose is not declared, or not among those agreed.",
        "Mục đích được chấp nhận: {allowed}.",
        "Accepted purposes: {allowed}.",
    ),
    "X4": Words(
        "Người hỏi không thuộc bên được phép hỏi.",
        "The person asking does not belong to the party allowed to ask.",
        "Đăng nhập bằng tổ chức là bên của thỏa thuận.",
        "Sign in for the organisation that is a party.",
    ),
    "X5": Words(
        "Chính sách truy vấn đã được thay bằng phiên bản khác.",
        "The query policy has been replaced by another version.",
        "Mở lại phòng thử nghiệm để dùng phiên bản hiện hành.",
        "Open the test room again to use the current version.",
    ),
    "X6": Words(
        "Bản dữ liệu thử nghiệm không có hoặc không đúng bản đã duyệt.",
        "The test copy of the data is missing, or is not the approved one.",
        "Đề nghị bên cung cấp lập lại bản dữ liệu thử nghiệm.",
        "Ask the provider to build the test copy again.",
    ),
    "X7": Words(
        "Máy chủ này chỉ cô lập được ở mức {tier}, chính sách yêu cầu mức {needed}.",
        "This server isolates at tier {tier}; the policy needs tier {needed}.",
        "Chạy trên máy chủ hỗ trợ cô lập đầy đủ.",
        "Run it on a server with full isolation.",
    ),
    "B1": Words(
        "Đã dùng hết số câu hỏi ({limit}).",
        "All questions ({limit}) have been used.",
        "Đề nghị bên cung cấp cấp thêm.",
        "Ask the provider for more.",
    ),
    "B2": Words(
        "Đã dùng hết số câu hỏi trong ngày ({limit}).",
        "All questions of today ({limit}) have been used.",
        "Hỏi lại vào ngày mai.",
        "Ask again tomorrow.",
    ),
    "B4": Words(
        "Đang có {limit} câu hỏi chạy cùng lúc, là mức tối đa.",
        "{limit} questions are running already, which is the most allowed.",
        "Chờ câu hỏi trước trả lời xong.",
        "Wait until one has been answered.",
    ),
    "E1": Words(
        "Chỉ được xem kết quả, không được xuất ra “{output}”.",
        "Answers may be seen, not exported as “{output}”.",
        "Xem kết quả trên trang.",
        "Look at the answer on the page.",
    ),
    "E-TIME": Words(
        "Câu hỏi chạy quá thời gian cho phép và đã bị dừng.",
        "The question took longer than allowed and was stopped.",
        "Hỏi ít nhóm hơn hoặc khoảng thời gian ngắn hơn.",
        "Ask for fewer groups or a shorter period.",
    ),
    "E-MEM": Words(
        "Câu hỏi cần nhiều bộ nhớ hơn mức cho phép.",
        "The question needs more memory than allowed.",
        "Hỏi ít nhóm hơn.",
        "Ask for fewer groups.",
    ),
    "E-ENGINE": Words(
        "Không trả lời được câu hỏi; sự cố đã được ghi nhận.",
        "The question could not be answered; the incident is recorded.",
        "Báo cho đơn vị vận hành.",
        "Tell the operator.",
    ),
    "E-STOPPED": Words(
        "Câu hỏi đã bị dừng trước khi có kết quả.",
        "The question was stopped before it had an answer.",
        "Kiểm tra phòng thử nghiệm còn mở không rồi hỏi lại.",
        "Check that the test room is still open and ask again.",
    ),
    "E-BUSY": Words(
        "Đang có quá nhiều câu hỏi.",
        "Too many questions are being answered.",
        "Thử lại sau ít phút.",
        "Try again in a few minutes.",
    ),
}
FILES = {
    "POLICY_UNKNOWN_KEY": Words(
        "Chính sách có mục không hiểu được: {key}.",
        "The policy has a key that is not understood: {key}.",
        "Bỏ mục đó hoặc sửa tên.",
        "Remove the key or correct its name.",
    ),
    "POLICY_INVALID": Words(
        "Giá trị không hợp lệ trong chính sách: {key}.",
        "The policy has a wrong value: {key}.",
        "Sửa giá trị đó.",
        "Correct the value.",
    ),
    "POLICY_NOT_ENFORCEABLE": Words(
        "Phiên bản này chưa thực thi được mục {key} nên từ chối cả chính sách.",
        "This version cannot enforce {key}, so it refuses the whole policy.",
        "Bỏ mục {key} khỏi chính sách.",
        "Leave {key} out of the policy.",
    ),
    "SNAPSHOT_FORMAT": Words(
        "Không đọc được loại tệp {suffix}.",
        "Files of type {suffix} cannot be read.",
        "Dùng tệp parquet, csv hoặc jsonl.",
        "Use a parquet, csv or jsonl file.",
    ),
    "SNAPSHOT_COLUMN_MISSING": Words(
        "Tệp dữ liệu không có cột {column} nêu trong chính sách.",
        "The file has no column {column}, which the policy names.",
        "Sửa chính sách hoặc dùng đúng tệp.",
        "Correct the policy or use the right file.",
    ),
    "SNAPSHOT_COLUMN_TYPE": Words(
        "Kiểu dữ liệu của cột {column} không bảo vệ được với vai trò đã khai.",
        "The type of column {column} cannot be protected in the role it is given.",
        "Đổi vai trò của cột thành forbidden.",
        "Make the column forbidden.",
    ),
    "SNAPSHOT_UNREADABLE": Words(
        "Không đọc được tệp dữ liệu.",
        "The data file cannot be read.",
        "Kiểm tra tệp có đúng định dạng không.",
        "Check that the file is what its name says.",
    ),
}


def say(denied: Denied, lang: str) -> str:
    """What was refused, in a sentence; behind it the clause that it rests on."""
    return quoting(_fill(denied, lang, 0), denied, lang)


def fix(denied: Denied, lang: str) -> str:
    """What would pass, in a sentence."""
    return _fill(denied, lang, 2)


def quoting(sentence: str, denied: Denied, lang: str) -> str:
    """The sentence with the clause behind the refusal in it, in brackets; the sentence alone when there is none."""
    clause = denied.facts.get("clause")
    if not isinstance(clause, str):
        return sentence
    return f"{sentence.removesuffix('.')} ({source(clause, lang)})."


def source(clause: str, lang: str) -> str:
    """What a policy calls "13" or "trial:T8", in words: a clause of the contract, a rule of the trial."""
    trial, number = clause.startswith("trial:"), clause.rpartition(":")[2]
    if lang == "vi":
        return f"quy tắc {number} về thử nghiệm có kiểm soát" if trial else f"Điều {number} của Hợp đồng"
    return f"rule {number} of the controlled trial" if trial else f"clause {number} of the contract"


def known() -> Mapping[str, Words]:
    """Every code that has words, and every ``CODE:case`` that has its own."""
    from sandbox.words_dp import PRIVACY
    from sandbox.words_gate import GATE
    from sandbox.words_leak import LEAK
    from sandbox.words_policy import POLICY
    from sandbox.words_receipt import RECEIPT
    from sandbox.words_template import TEMPLATE
    from sandbox.words_trial import TRIAL

    return {**CONTEXT, **FILES, **PRIVACY, **GATE, **LEAK, **POLICY, **RECEIPT, **TEMPLATE, **TRIAL}


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def _fill(denied: Denied, lang: str, at: int) -> str:
    every = known()
    words = every.get(f"{denied.code}:{denied.facts.get('case', '')}") or every.get(denied.code)
    if words is None:
        return denied.code
    facts = _Facts({key: shown(key, value, lang) for key, value in denied.facts.items()})
    return words[at + (lang != "vi")].format_map(facts).strip()


def shown(key: str, value: object, lang: str) -> str:
    """One fact as a reader of `lang` writes it: numbers, days, moments in Viet Nam, names of closed lists."""
    from sandbox.words_trial import NAMES

    listed = NAMES.get(type(value).__name__.lower() if isinstance(value, StrEnum) else key, {})
    if isinstance(value, str):
        both = listed.get(value)
        return str(value) if both is None else both[lang != "vi"]
    if isinstance(value, datetime):
        return value.astimezone(ZONE).strftime("%H:%M %d/%m/%Y" if lang == "vi" else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y" if lang == "vi" else "%Y-%m-%d")
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}".replace(",", "." if lang == "vi" else ",")
    return str(value)
