"""What the checker of evidence says, in Vietnamese and English: one pair of sentences per code."""

from __future__ import annotations

from collections.abc import Mapping

from contracts import words
from contracts.errors import ContractsError, Fact

LANGUAGES = ("vi", "en")
_MARKS = {
    "ok": ("ĐẠT", "PASS"),
    "warning": ("LƯU Ý", "NOTE"),
    "unchecked": ("CHƯA KIỂM TRA", "NOT CHECKED"),
    "failed": ("KHÔNG ĐẠT", "FAIL"),
}

CHECKS: Mapping[str, tuple[str, str]] = {
    "ARCHIVE": ("Tệp nguyên vẹn đến từng byte", "The file is intact, byte for byte"),
    "MANIFEST": ("Danh mục và mã băm của các tệp thành phần", "The list of members and their hashes"),
    "CHECKPOINT": ("Chữ ký của nhật ký trên mốc kiểm tra", "The log's signature on its checkpoint"),
    "TEXT_DIFFERS": (
        "Tệp hướng dẫn hoặc chương trình kèm theo không phải bản mà chương trình này biết; đừng dựa vào nó",
        "A text or program in the bundle is not the one that this checker knows; do not rely on it",
    ),
    "ENTRIES": ("Từng bản ghi nằm trong nhật ký", "Each record is included in the log"),
    "HEADS": ("Các mốc kiểm tra cũ thuộc cùng một lịch sử", "Older heads lie on this same history"),
    "SAVED_HEAD": ("Mốc kiểm tra do người kiểm tra tự lưu", "The head that you kept yourself"),
    "CHAINS": (
        "Từng bản ghi đúng khuôn mẫu; chuỗi sự kiện liền mạch, không trùng lặp",
        "Each record is well-formed; the chain of events is unbroken, nothing repeated",
    ),
    "CONTRACT": (
        "Hợp đồng: mã băm, chữ ký, hiệu lực của khóa, thứ tự sự kiện",
        "Contract: hash, signatures, validity of keys, order of events",
    ),
    "ROOTS_NOT_PINNED": (
        "Chứng thư gốc lấy từ chính hồ sơ này; hãy dùng --roots với chứng thư gốc từ nguồn khác",
        "The roots of certificates come from this bundle itself; use --roots with those from elsewhere",
    ),
    "PINNED_HEADS": (
        "Mốc nhật ký ghi trong hợp đồng: hồ sơ không có bằng chứng cho mốc đó; hồ sơ toàn bộ nhật ký thì có",
        "The head named in the contract: this bundle has no proof for it; a bundle of the whole log has",
    ),
    "STAMPS": ("Dấu thời gian", "Time-stamp"),
    "STAMPS_UNCHECKED": (
        "Dấu thời gian: hãy dùng --tsa với chứng thư của tổ chức cấp dấu thời gian",
        "Time-stamps: use --tsa with the certificate of the time-stamping authority",
    ),
    "DISCLOSURES": (
        "Các giá trị được tiết lộ đúng với mã băm trong bản ghi",
        "The disclosed values match the digests in their records",
    ),
    "NO_CONTRACTS": ("Không có hợp đồng nào trong hồ sơ", "No contract in this bundle"),
    "NOT_PINNED": (
        "Chưa đối chiếu danh tính của nhật ký: khóa lấy từ chính hồ sơ này; hãy dùng --policy với tệp từ nguồn khác",
        "The log's identity is not pinned: its key comes from this bundle; use --policy with a file from elsewhere",
    ),
    "DOCUMENTS_ABSENT": (
        "Văn bản của một số hợp đồng không kèm theo, nên chữ ký của chúng chưa được kiểm tra",
        "Some contracts' documents are not included, so their signatures were not checked",
    ),
}

_FACTS: Mapping[str, tuple[str, str]] = {
    "ARCHIVE": ("{members} tệp thành phần, {bytes} byte", "{members} members, {bytes} bytes"),
    "MANIFEST": ("phạm vi: {scope}", "scope: {scope}"),
    "CHECKPOINT": (
        "{origin}, {size} bản ghi, {witnesses} bên chứng kiến",
        "{origin}, {size} records, {witnesses} witnesses",
    ),
    "TEXT_DIFFERS": ("{member}", "{member}"),
    "ENTRIES": ("{entries} bản ghi", "{entries} records"),
    "HEADS": (
        "{heads} mốc, nhỏ nhất {first}, lớn nhất {last} bản ghi",
        "{heads} in all, of {first} to {last} records",
    ),
    "SAVED_HEAD": (
        "mốc {saved} bản ghi; hồ sơ này ở mốc {size} bản ghi",
        "a head of {saved} records; this bundle stands at {size}",
    ),
    "PINNED_HEADS": ("{contracts} hợp đồng", "{contracts} contracts"),
    "STAMPS": ("mốc {size} bản ghi có trước {time}", "the head of {size} records existed before {time}"),
    "STAMPS_UNCHECKED": ("{stamps} dấu", "{stamps} stamps"),
    "DISCLOSURES": ("{values} giá trị", "{values} values"),
    "CHAINS": (
        "{subjects} chuỗi, đến bản ghi số {last} trong nhật ký có {size} bản ghi",
        "{subjects} chains, up to record {last} of a log of {size}",
    ),
    "CONTRACT": ("{subject}, người ký: {signers}, {state}", "{subject}, signed by {signers}, {state}"),
    "NOT_PINNED": ("{origin}", "{origin}"),
    "DOCUMENTS_ABSENT": ("{contracts} hợp đồng", "{contracts} contracts"),
}

_UNCHECKED = (
    "(chữ ký của {unchecked} chưa được kiểm tra vì máy này thiếu chương trình cần cho dạng chữ ký đó)",
    "(the signature of {unchecked} was not checked: this machine lacks what its form needs)",
)
GRADES: Mapping[str, tuple[str, str]] = {
    "key": ("khóa", "key"),
    "browser": ("khóa trong trình duyệt", "key in a browser"),
    "file": ("khóa trong tệp", "key in a file"),
    "organisation": ("chứng thư của tổ chức", "certificate of an organisation"),
    "licensed": ("chứng thư của tổ chức được cấp phép", "certificate of a licensed authority"),
}
_STATES: Mapping[str, tuple[str, str]] = {
    "open": ("chưa có hiệu lực", "not in force yet"),
    "active": ("đang có hiệu lực", "in force"),
    "ended": ("đã chấm dứt", "ended"),
}

PROBLEMS: Mapping[str, tuple[str, str]] = {
    # the file
    "ARCHIVE_NOT_OURS": ("không phải hồ sơ chứng cứ (byte {at})", "this is not an evidence bundle (byte {at})"),
    "ARCHIVE_DAMAGED": ("byte {at} đã bị thay đổi, tại {member}", "byte {at} was changed, in {member}"),
    "ARCHIVE_CONTENT": (
        "nội dung đã bị thay đổi trong khoảng byte {start} đến {end}, tại {member}",
        "the content was changed between bytes {start} and {end}, in {member}",
    ),
    "ARCHIVE_TOO_LARGE": ("hồ sơ quá lớn: {members} tệp thành phần", "the bundle is too large: {members} members"),
    "ARCHIVE_NAME": ("tên tệp thành phần không hợp lệ: {member}", "a member's name is not allowed: {member}"),
    "MANIFEST_DIFFERS": ("{member} không khớp với danh mục", "{member} does not match the manifest"),
    "MEMBER_MISSING": ("thiếu {member}", "{member} is missing"),
    "MEMBER_UNEXPECTED": ("{member} thừa hoặc sai nội dung", "{member} does not belong here or has other content"),
    "MEMBER_MALFORMED": ("{member} sai định dạng: {reason}", "{member} is malformed: {reason}"),
    # the signed head and the policy
    "NOTE_MALFORMED": ("mốc kiểm tra sai định dạng: {reason}", "the signed note is malformed: {reason}"),
    "NOTE_KEY_NAME": ("tên khóa không hợp lệ: {name}", "a key's name is not allowed: {name}"),
    "NOTE_KEY_UNKNOWN": (
        "không có chữ ký của khóa được tin cậy; người ký: {names}",
        "no signature by a trusted key; signed by: {names}",
    ),
    "NOTE_SIGNATURE_INVALID": ("chữ ký của {name} không đúng", "the signature by {name} does not hold"),
    "NOTE_SIGNATURE_REPEATED": ("{name} ký hai lần", "{name} signed twice"),
    "CHECKPOINT_MALFORMED": ("mốc kiểm tra sai định dạng: {reason}", "the checkpoint is malformed: {reason}"),
    "BASE64_MALFORMED": ("mã base64 không hợp lệ: {value}", "malformed base64: {value}"),
    "VKEY_TYPE": ("loại khóa không được hỗ trợ: {key}", "this type of key is not supported: {key}"),
    "VKEY_ID": ("mã khóa phải là {expected}: {key}", "the key id should be {expected}: {key}"),
    "POLICY_LINE": ("chính sách, dòng {line}: {reason}", "policy, line {line}: {reason}"),
    "POLICY_QUORUM": (
        "chưa đủ bên chứng kiến theo chính sách ({quorum}); đã có: {seen}",
        "not enough witnesses for the policy ({quorum}); present: {seen}",
    ),
    "KEY_NOT_IN_HISTORY": (
        "theo lịch sử khóa, khóa {key} ({id}) không ký mốc {size} bản ghi",
        "by the key history, the key {key} ({id}) does not sign a head of {size} records",
    ),
    "OLDER_HEAD_DIFFERS": (
        "mốc cũ {size} bản ghi không thuộc lịch sử này: nhật ký đã bị viết lại",
        "the older head of {size} records is not of this history: the log was rewritten",
    ),
    "HEAD_BEYOND": (
        "mốc cũ {older} bản ghi lại lớn hơn mốc của hồ sơ ({size})",
        "the older head of {older} records is beyond the bundle's own ({size})",
    ),
    "SAVED_HEAD_DIFFERS": (
        "mốc {size} bản ghi do bạn lưu không thuộc lịch sử này: nhật ký đã bị viết lại",
        "the head of {size} records that you kept is not of this history: the log was rewritten",
    ),
    # a witness's refusals; a witness answers with the English one, and logs look for its first words
    "WITNESS_REQUEST": ("yêu cầu chứng kiến sai định dạng: {reason}", "malformed request: {reason}"),
    "WITNESS_SIZES": (
        "kích thước cũ {old} lớn hơn kích thước mới {new}",
        "the old size {old} is larger than the new size {new}",
    ),
    "WITNESS_SIGNATURE": ("chữ ký không hợp lệ: {reason}", "invalid signature: {reason}"),
    "WITNESS_ORIGIN": ("nhật ký không được biết ở đây: {origin}", "unknown log: {origin}"),
    "WITNESS_BEHIND": (
        "kích thước cũ {old} không khớp: bên chứng kiến đã thấy {size} bản ghi",
        "the old size {old} does not match: the witness has seen {size} records",
    ),
    "WITNESS_FORK": (
        "nhật ký đã rẽ nhánh: hai mã băm gốc cho {size} bản ghi",
        "the log has forked: two roots for {size} records",
    ),
    "WITNESS_PROOF": ("bằng chứng nối tiếp không đúng: {reason}", "the consistency proof does not hold: {reason}"),
    # receipts
    "RECEIPT_MALFORMED": (
        "biên nhận COSE sai định dạng ở byte {at}: {reason}",
        "the COSE receipt is malformed at byte {at}: {reason}",
    ),
    "RECEIPT_SIGNATURE_INVALID": (
        "biên nhận COSE: chữ ký của nhật ký không đúng cho bản ghi số {index} trong {size} bản ghi",
        "the COSE receipt: the log's signature does not hold for record {index} of {size}",
    ),
    "RECEIPT_OF_ANOTHER_HEAD": (
        "biên nhận COSE thuộc mốc kiểm tra khác ({size} bản ghi, đáng lẽ {expected})",
        "the COSE receipt belongs to another head ({size} records, not {expected})",
    ),
    # time-stamps
    "TIMESTAMP_MALFORMED": (
        "dấu thời gian sai định dạng ({bytes} byte)",
        "the time-stamp is malformed ({bytes} bytes)",
    ),
    "TIMESTAMP_NOT_GRANTED": (
        "tổ chức cấp dấu thời gian đã từ chối (trạng thái {status})",
        "the time-stamping authority refused (status {status})",
    ),
    "TIMESTAMP_OF_ANOTHER_TEXT": (
        "dấu thời gian được cấp cho nội dung khác",
        "the time-stamp is over another text",
    ),
    "TIMESTAMP_NONCE": (
        "dấu thời gian không phải câu trả lời cho yêu cầu này",
        "the time-stamp does not answer this request",
    ),
    "TIMESTAMP_UNTRUSTED": (
        "dấu thời gian không do tổ chức được tin cậy cấp: {reason}",
        "the time-stamp is not by a trusted authority: {reason}",
    ),
    "TIMESTAMP_ROOTS": (
        "tệp chứng thư của tổ chức cấp dấu thời gian không đọc được (cần PEM)",
        "the file of the time-stamping authority's certificates cannot be read (PEM is needed)",
    ),
    # records and proofs
    "TILE_DIFFERS": ("{tile} không khớp với các bản ghi", "{tile} does not match the records"),
    "ENTRY_REFUSED": ("bản ghi số {index}: {reason}", "record {index}: {reason}"),
    "ENTRY_OF_ANOTHER_LOG": (
        "bản ghi số {index} thuộc nhật ký khác: {log}, không phải {origin}",
        "record {index} belongs to another log: {log}, not {origin}",
    ),
    "LOG_SIZE_DIFFERS": (
        "có {entries} bản ghi, mốc kiểm tra ghi {size}",
        "{entries} records, but the head says {size}",
    ),
    "LOG_ROOT_DIFFERS": (
        "các bản ghi không dẫn đến mã băm gốc của {size} bản ghi",
        "the records do not lead to the root hash of {size} records",
    ),
    "INDEX_OUTSIDE_TREE": (
        "số {index} nằm ngoài nhật ký có {size} bản ghi",
        "index {index} is outside a log of {size}",
    ),
    "INCLUSION_FAILED": ("bản ghi số {index} không nằm trong nhật ký", "record {index} is not in the log"),
    "PROOF_TOO_LONG": ("bằng chứng thừa mã băm", "the proof has too many hashes"),
    "PROOF_TOO_SHORT": ("bằng chứng thiếu mã băm", "the proof has too few hashes"),
    "PROOF_MALFORMED": ("bằng chứng sai định dạng: {reason}", "the proof is malformed: {reason}"),
    "HASH_LENGTH": ("mã băm phải dài 32 byte, không phải {bytes}", "a hash has 32 bytes, not {bytes}"),
    "SIZES_NOT_ORDERED": ("kích thước không tăng: {old}, {new}", "sizes do not increase: {old}, {new}"),
    "CONSISTENCY_FAILED": (
        "nhật ký có {new} bản ghi không nối tiếp nhật ký có {old} bản ghi",
        "the log of {new} records does not continue the log of {old}",
    ),
    "SIZE_OUT_OF_RANGE": ("kích thước ngoài giới hạn: {size}", "the size is out of range: {size}"),
    "FRONTIER_MALFORMED": (
        "trạng thái cây sai định dạng: {bytes} byte",
        "the stored frontier is malformed: {bytes} bytes",
    ),
    "NODE_OUTSIDE_TREE": ("nút nằm ngoài cây: {height}/{number}", "a node outside the tree: {height}/{number}"),
    "TILE_PATH": ("đường dẫn không hợp lệ: {path}", "not a tile's path: {path}"),
    "TILE_LENGTH": ("{tile} có độ dài sai: {bytes} byte", "{tile} has the wrong length: {bytes} bytes"),
    "BUNDLE_CUT_SHORT": ("gói bản ghi bị cắt ở byte {at}", "the entry bundle is cut short at byte {at}"),
    "BUNDLE_LENGTH": (
        "gói có {entries} bản ghi, phải là {expected}",
        "the bundle has {entries} entries, not {expected}",
    ),
    "ENTRY_TOO_LARGE": (
        "bản ghi dài {bytes} byte, giới hạn {limit}",
        "an entry of {bytes} bytes, the limit is {limit}",
    ),
    "LEAF_TOO_LARGE": ("bản ghi dài {bytes} byte, giới hạn {limit}", "a record of {bytes} bytes, the limit is {limit}"),
    "LEAF_NOT_CANONICAL": ("không phải JSON chuẩn tắc: {reason}", "not canonical JSON: {reason}"),
    "LEAF_FIELDS": ("thừa hoặc thiếu trường: {fields}", "fields missing or unknown: {fields}"),
    "LEAF_FIELD_INVALID": ("giá trị không hợp lệ ở {field}: {value}", "not allowed in {field}: {value}"),
    "LEAF_TYPE_UNKNOWN": ("loại sự kiện không xác định: {type}", "unknown type of event: {type}"),
    "LEAF_HASH_MISSING": ("{type} thiếu mã băm: {names}", "{type} lacks the hash of: {names}"),
    # the story
    "EVENT_REPEATED": ("bản ghi số {index} lặp lại sự kiện {id}", "record {index} repeats the event {id}"),
    "CHAIN_BROKEN": (
        "bản ghi số {index} của {subject} nối sau {prev}, đáng lẽ sau bản ghi số {expected}: thiếu hoặc thừa sự kiện",
        "record {index} of {subject} follows {prev}, but should follow record {expected}: an event is missing or added",
    ),
    "OUT_OF_ORDER": ("bản ghi số {index}: {event} sai thứ tự", "record {index}: {event} is out of order"),
    "ACTIVE_BEFORE_SIGNED": (
        "bản ghi số {index}: có hiệu lực khi chưa ký đủ; còn thiếu {missing}",
        "record {index}: in force before everyone signed; missing {missing}",
    ),
    "USED_OUT_OF_FORCE": (
        "bản ghi số {index}: {event} khi {subject} không có hiệu lực",
        "record {index}: {event} while {subject} was not in force",
    ),
    "SIGNER_UNEXPECTED": (
        "bản ghi số {index}: {actor} không phải bên ký, hoặc đã ký rồi",
        "record {index}: {actor} is not a signing party, or has signed already",
    ),
    "CONTRACT_HASH_DIFFERS": (
        "bản ghi số {index}: mã băm hợp đồng khác với văn bản đã ký",
        "record {index}: another contract hash than that of the signed document",
    ),
    # the contract
    "CONTRACT_MISSING": ("không có văn bản của {subject}", "the document of {subject} is not here"),
    "CONTRACT_NOT_LOGGED": ("{subject} không có trong các bản ghi: {hash}", "{subject} is not in the records: {hash}"),
    "SIGNED_FORM": ("{subject}: không đúng dạng JWS", "{subject}: not a JWS in general serialization"),
    "SIGNATURE_NOT_LOGGED": (
        "{subject}: chữ ký của {actor} không khớp với nhật ký",
        "{subject}: the signature by {actor} does not match the log",
    ),
    "HEAD_FROM_FUTURE": (
        "hợp đồng ghi mốc nhật ký {size} bản ghi, lớn hơn vị trí của chính nó ({index})",
        "the contract names a head of {size} records, beyond its own place ({index})",
    ),
    "HEAD_DIFFERS": (
        "{subject}: mốc nhật ký mà các bên đã ký ({size} bản ghi) khác với nhật ký này",
        "{subject}: the head that the parties signed ({size} records) is not this log's",
    ),
    "KEY_REVOKED": (
        "{subject}: khóa {kid} đã bị thu hồi (bản ghi số {index}) trước khi ký (bản ghi số {signed})",
        "{subject}: the key {kid} was revoked (record {index}) before it signed (record {signed})",
    ),
    "GRADE_DIFFERS": (
        "khóa {kid}: bản ghi nêu cấp độ chữ ký {value}, thực tế là {expected}",
        "the key {kid}: the record says the grade {value}, but it is {expected}",
    ),
    "TRUST_NOT_LOGGED": (
        "bản ghi số {index}: danh sách chứng thư gốc {hash} chưa được ghi nhật ký trước đó",
        "record {index}: the list of trusted roots {hash} was not logged before",
    ),
    "ROOTS_MALFORMED": (
        "tệp chứng thư gốc không đọc được (cần PEM)",
        "the file of root certificates cannot be read (PEM is needed)",
    ),
    "DISCLOSURE_MALFORMED": ("{member} sai định dạng: {reason}", "{member} is malformed: {reason}"),
    "DISCLOSURE_TOO_LONG": (
        "{member} quá dài: {characters} ký tự, tối đa {limit}",
        "{member} is too long: {characters} characters, at most {limit}",
    ),
    "DISCLOSURE_SALT_SHORT": (
        "muối chỉ có {bytes} byte, cần ít nhất {least}",
        "the salt has only {bytes} bytes; at least {least} are needed",
    ),
    "DISCLOSURE_UNKNOWN": (
        "{member} không có mã băm trong bản ghi của sự kiện {event}",
        "{member} has no digest in the record of the event {event}",
    ),
    # canonical JSON
    "NOT_UTF8": ("không phải UTF-8, byte {at}", "not UTF-8, byte {at}"),
    "NOT_JSON": ("không phải JSON, vị trí {at}", "not JSON, position {at}"),
    "NOT_CANONICAL": ("JSON không ở dạng chuẩn tắc, byte {at}", "the JSON is not in canonical form, byte {at}"),
    "TOO_DEEP": ("JSON lồng sâu quá {limit} cấp", "the JSON is nested deeper than {limit}"),
    "INTEGER_TOO_LARGE": ("số nguyên quá lớn: {path}", "an integer is too large: {path}"),
    "FLOAT_REFUSED": ("không dùng số thập phân: {number}", "decimal numbers are not allowed: {number}"),
    "DUPLICATE_KEY": ("khóa lặp lại: {key}", "a repeated key: {key}"),
    "KEY_NOT_TEXT": ("khóa phải là chữ: {path}", "a key must be text: {path}"),
    "LONE_SURROGATE": ("ký tự không hợp lệ: {path}", "an invalid character: {path}"),
    "TYPE_REFUSED": ("kiểu dữ liệu không được dùng: {type}", "this type is not allowed: {type}"),
}


def line(what: str, mark: str, facts: Mapping[str, Fact], problem: ContractsError | None, lang: str) -> str:
    """One line of a report."""
    which = LANGUAGES.index(lang)
    text = f"[{_MARKS[mark][which]}] {CHECKS[what][which]}"
    if "unchecked" in facts:
        text += f" {_UNCHECKED[which]}".format(**facts)
    if problem is not None:
        return f"{text}: {explain(problem, lang)}"
    if what not in _FACTS:
        return text
    shown = {name: _STATES[str(fact)][which] if name == "state" else fact for name, fact in facts.items()}
    if "signers" in shown:
        for grade, said in GRADES.items():
            shown["signers"] = str(shown["signers"]).replace(f", {grade})", f", {said[which]})")
    return f"{text}: {_FACTS[what][which].format(**shown)}"


def explain(problem: ContractsError, lang: str) -> str:
    """What failed and where, as a sentence; the code stays visible, it is what one searches for."""
    which = LANGUAGES.index(lang)
    if problem.code not in PROBLEMS:  # of the contract's own modules
        return f"{words.say(problem.code, problem.facts, lang)} [{problem.code}]"
    return f"{PROBLEMS[problem.code][which].format_map(_Known(problem.facts))} [{problem.code}]"


class _Known(dict[str, Fact]):
    """A fact that a caller left out shows as a dash instead of hiding the whole sentence."""

    def __missing__(self, key: str) -> str:
        return "-"
