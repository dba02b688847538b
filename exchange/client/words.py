"""What the client says by itself, in Vietnamese and English. What a server says is in the reader's already."""

from collections.abc import Mapping

from exchange.client import gossip_words, leak_words, life_words
from exchange.client.paper_words import PAPER
from exchange.client.place_words import PLACES
from exchange.client.room_words import ROOMS
from exchange.client.trial_words import TRIAL
from exchange.errors import ExchangeError

LANGUAGES = ("vi", "en")


class ClientError(ExchangeError):
    """Something on this side does not hold: a code of ``SENTENCES`` and the facts it names."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code, facts)
        self.code, self.facts = code, facts


def say(code: str, lang: str, facts: Mapping[str, object]) -> str:
    """The sentence of a code with its facts."""
    return SENTENCES[code][LANGUAGES.index(lang)].format_map({name: str(value) for name, value in facts.items()})


# Standing of a contract (contracts.standing) and records of its life: the code always stands beside its name.
NAMES: Mapping[str, tuple[str, str]] = {
    "UNLOGGED": ("chưa có hiệu lực", "not in force yet"),
    "UPCOMING": ("đã ký, chưa đến ngày bắt đầu", "signed, its first day is still to come"),
    "ACTIVE": ("đang có hiệu lực", "in force"),
    "SUSPENDED": ("đang bị tạm dừng", "suspended"),
    "EXPIRED": ("đã hết thời hạn", "expired"),
    "ENDED": ("đã chấm dứt", "ended"),
    "approval.terms": ("điều khoản", "terms"),
    "approval.signature": ("việc ký", "signature"),
    "contract.agreed": ("Hợp đồng được lập", "Contract drawn up"),
    "contract.signed": ("Chữ ký", "Signature"),
    "contract.active": ("Hợp đồng có hiệu lực", "Contract in force"),
    "contract.ended": ("Hợp đồng chấm dứt", "Contract ended"),
    **life_words.NAMES,
}


def name(code: str, lang: str) -> str:
    """A code with its name before it; states and acts of a negotiation are named as in refusals."""
    from contracts.negotiation_words import REASONS
    from contracts.sentences import NAMES as STATES

    names = NAMES.get(code) or STATES.get(code) or {str(key): pair for key, pair in REASONS.items()}.get(code)
    return f"{names[LANGUAGES.index(lang)]} [{code}]" if names else code


SENTENCES: Mapping[str, tuple[str, str]] = {
    # -- what went wrong
    "SERVER_MISSING": (
        "Hãy cho biết địa chỉ sàn bằng --server hoặc biến MINHBACH_SERVER.",
        "Say where the exchange is, with --server or the variable MINHBACH_SERVER.",
    ),
    "CLIENT_MISSING": (
        "Hãy cho biết tệp ứng dụng bằng --client hoặc biến MINHBACH_CLIENT.",
        "Name the client file, with --client or the variable MINHBACH_CLIENT.",
    ),
    "SERVER_ADDRESS": (
        "Địa chỉ sàn {value} không dùng được: cần https://, hoặc http:// trên chính máy này.",
        "The address {value} cannot be used: it must be https://, or http:// on this very machine.",
    ),
    "FILE_OPEN_TO_OTHERS": (
        "Người khác trên máy này đọc được tệp {path}. Hãy chạy: chmod 600 {path}",
        "Others on this machine can read {path}. Run: chmod 600 {path}",
    ),
    "FILE_EXISTS": (
        "Tệp {path} đã có; không ghi đè lên khóa hay dữ liệu nào.",
        "{path} exists already; no key and no data is ever overwritten.",
    ),
    "FILE_UNREADABLE": ("Không đọc được tệp {path}: {reason}.", "{path} cannot be read: {reason}."),
    "CLIENT_FILE": (
        "Tệp {path} phải là JSON có client_id và client_secret (ứng dụng của cá nhân: thêm \"flow\": \"person\").",
        "{path} must be JSON with client_id and client_secret (a person's program: also \"flow\": \"person\").",
    ),
    "JSON_FILE": ("Tệp {path} không phải là một đối tượng JSON: {reason}.", "{path} is not a JSON object: {reason}."),
    "NO_CONNECTION": ("Không kết nối được với {server}: {reason}.", "No connection to {server}: {reason}."),
    "UPLOAD_BROKEN": (
        "Kết nối bị ngắt khi đang gửi tệp. Có thể tệp lớn hơn mức sàn nhận. Bản nháp {listing} vẫn còn.",
        "The connection broke while the file was being sent. It may be larger than the exchange accepts. "
        "The draft {listing} is kept.",
    ),
    "ANSWER_STRANGE": (
        "{server} trả lời không đúng giao thức của sàn (mã {status}).",
        "{server} does not answer as an exchange does (status {status}).",
    ),
    "TOKEN_REFUSED": ("Sàn không cấp quyền truy cập: {reason}.", "The exchange gives no access: {reason}."),
    "LOGIN_TIMEOUT": (
        "Chưa nhận được sự đồng ý trong {minutes} phút; hãy thử lại.",
        "No consent within {minutes} minutes; try again.",
    ),
    "LOGIN_FOREIGN": (
        "Câu trả lời không thuộc về lần đăng nhập này và bị bỏ qua.",
        "The answer does not belong to this sign-in and was not used.",
    ),
    "KEY_NEEDS_PERSON": (
        "Khóa ký thuộc về một người. Dùng tệp ứng dụng có \"flow\": \"person\", hoặc trang “Khóa ký”.",
        "A signing key belongs to a person. Use a client file with \"flow\": \"person\", or the page “Signing keys”.",
    ),
    "KEY_PASSWORD": ("Mật khẩu của tệp khóa", "Password of the key file"),
    "KEY_FILE_UNUSABLE": (
        "Không dùng được tệp khóa {path}: sai mật khẩu, hoặc không phải khóa PEM thuộc loại được chấp nhận.",
        "The key file {path} cannot be used: a wrong password, or no PEM key of a kind that is accepted.",
    ),
    "APPROVE_CONFIRM": ("Phê duyệt nội dung trên cho tổ chức của bạn?", "Approve this for your organisation?"),
    "NO_CONTRACT": ("Thương lượng này chưa có hợp đồng.", "No contract has been drawn up in this negotiation."),
    "ACCEPT_CONFIRM": ("Chấp nhận các điều khoản này?", "Accept these terms?"),
    "AGREE_CONFIRM": ("Đồng ý với các điều khoản này?", "Agree to these terms?"),
    "TERMS_DIFFER": (
        "Điều khoản trên bàn ({got}) không phải điều khoản bạn nêu ({wanted}).",
        "The terms on the table ({got}) are not those you named ({wanted}).",
    ),
    "CHANGE": ("Điều {clause}, {label}: {before} → {after}", "Clause {clause}, {label}: {before} → {after}"),
    "CHECK_REFUSED": (
        "{count} điểm sẽ bị từ chối. Chưa gửi gì.",
        "{count} problems would be refused. Nothing was sent.",
    ),
    "CHECK_GOOD": (
        "Có thể gửi các điều khoản này ({terms}). Chưa gửi gì.",
        "These terms ({terms}) can be sent. Nothing was sent.",
    ),
    "NOTHING_CHANGED": ("Không có gì thay đổi.", "Nothing was changed."),
    # -- before signing
    "CONTRACT_OTHER": (
        "Sàn đưa hợp đồng {got}, không phải {asked}. Không ký.",
        "The exchange handed over contract {got}, not {asked}. Nothing is signed.",
    ),
    "CONTRACT_HASH_DIFFERS": (
        "Nội dung nhận được ({got}) không phải nội dung sàn đã ghi ({said}). Không ký.",
        "The document received ({got}) is not the one that the exchange recorded ({said}). Nothing is signed.",
    ),
    "CONTRACT_TERMS_DIFFER": (
        "Điều khoản trong hợp đồng ({got}) khác điều khoản đã thương lượng ({agreed}). Không ký.",
        "The contract's terms ({got}) are not the negotiated ones ({agreed}). Nothing is signed.",
    ),
    "CONTRACT_LISTING_DIFFERS": (
        "Hợp đồng nói về {got}, thương lượng lại về {agreed}. Không ký.",
        "The contract is about {got}, the negotiation about {agreed}. Nothing is signed.",
    ),
    "NOT_OUR_CONTRACT": (
        "Tổ chức của bạn không phải là bên ký hợp đồng này.",
        "Your organisation is not one of those who sign this contract.",
    ),
    "KEY_NOT_IN_CONTRACT": (
        "Hợp đồng không nêu khóa này ({kid}) cho tổ chức của bạn. Khóa được nêu: {passes}. "
        "Nếu các khóa đó đã mất: minhbach redraw MÃ-HỢP-ĐỒNG",
        "The contract does not name this key ({kid}) for your organisation. It names: {passes}. "
        "If those are lost: minhbach redraw CONTRACT",
    ),
    "SIGN_CONFIRM": ("Ký hợp đồng này thay mặt {org}?", "Sign this contract in the name of {org}?"),
    "NOT_SIGNED": ("Chưa ký gì.", "Nothing was signed."),
    # -- proofs
    "PROOF_PENDING": (
        "Sàn chưa đưa bằng chứng ghi nhật ký của {event}. Hãy hỏi lại bằng: minhbach receipt {contract}",
        "The exchange has given no proof for {event} yet. Ask again with: minhbach receipt {contract}",
    ),
    "PROOF_OTHER": (
        "Bản ghi nhật ký của {event} không nói về đúng hợp đồng, chữ ký hay nhật ký này ({what}).",
        "The log record of {event} does not speak of this contract, signature or log ({what}).",
    ),
    "PROOF_FAILED": (
        "Bằng chứng ghi nhật ký của {event} không đúng: {reason}",
        "The proof for {event} does not hold: {reason}",
    ),
    # -- download
    "NO_FILE": ("Hợp đồng này không có tệp nào để tải.", "There is no file to fetch under this contract."),
    "FILE_NOT_IN_CONTRACT": (
        "Tệp {name} không phải tệp đã ký trong hợp đồng; không tải.",
        "The file {name} is not one that the signed contract names; it is not fetched.",
    ),
    "DIGEST_DIFFERS": (
        "Tệp {name} nhận được có mã băm {got}, hợp đồng ghi {wanted}. Tệp đã bị xóa.",
        "The file {name} as received has the digest {got}; the contract says {wanted}. It was deleted.",
    ),
    "DOWNLOAD_BROKEN": (
        "Kết nối bị ngắt ở byte {at} của {size}. Chạy lại lệnh để tải tiếp.",
        "The connection broke at byte {at} of {size}. Run the command again to go on from there.",
    ),
    # -- following a log from outside
    "MONITOR_WELL": (
        "Nhật ký nối tiếp mốc đã biết: {size} bản ghi, mã băm gốc {root}; đã đọc {records} bản ghi.",
        "The log continues what was known: {size} records, root {root}; {records} records read.",
    ),
    "MONITOR_EMPTY": ("{server} chưa công bố mốc nhật ký nào.", "{server} has published no head yet."),
    "MONITOR_GONE": (
        "BÁO ĐỘNG: nhật ký trước đây có mốc, nay không còn mốc nào.",
        "ALARM: the log had a head before and shows none now.",
    ),
    "MONITOR_SMALLER": (
        "BÁO ĐỘNG: nhật ký thu nhỏ: trước đây {old} bản ghi, nay {size}.",
        "ALARM: the log has shrunk: {old} records before, {size} now.",
    ),
    "MONITOR_FORK": (
        "BÁO ĐỘNG: nhật ký {size} bản ghi không nối tiếp mốc {old} bản ghi đã thấy. Hai mốc đã ký được lưu ở {path}",
        "ALARM: the log of {size} records does not continue the head of {old} seen before. Both signed heads: {path}",
    ),
    "MONITOR_OTHER_LOG": (
        "BÁO ĐỘNG: đây là nhật ký khác: trước đây {old}, nay {new}.",
        "ALARM: this is another log: {old} before, {new} now.",
    ),
    "MONITOR_POLICY": (
        "BÁO ĐỘNG: mốc nhật ký không theo chính sách tin cậy: {reason}",
        "ALARM: the head does not keep to your policy: {reason}",
    ),
    "MONITOR_UNSEEN": (
        "BÁO ĐỘNG: chưa bên chứng kiến nào xác nhận mốc {size} bản ghi.",
        "ALARM: no witness of your policy has seen the head of {size} records.",
    ),
    "MONITOR_AHEAD": (
        "BÁO ĐỘNG: đồng hồ của bên chứng kiến chạy nhanh hơn máy này {minutes} phút, nên không rõ mốc {size} bản ghi "
        "được xác nhận khi nào.",
        "ALARM: a witness's clock is {minutes} minutes ahead of this machine's, so nothing tells when the head of "
        "{size} records was witnessed.",
    ),
    "MONITOR_STALE": (
        "BÁO ĐỘNG: mốc {size} bản ghi được chứng kiến lần cuối cách đây {minutes} phút.",
        "ALARM: the head of {size} records was last witnessed {minutes} minutes ago.",
    ),
    "MONITOR_TILE_MISSING": (
        "BÁO ĐỘNG: thiếu phần {tile} mà mốc nhật ký đã cam kết.",
        "ALARM: {tile}, which the head promises, is missing.",
    ),
    "MONITOR_RECORDS": (
        "BÁO ĐỘNG: sau bản ghi thứ {records}, nội dung không khớp với mốc nhật ký: {reason}",
        "ALARM: after record {records} the records do not match the head: {reason}",
    ),
    "MONITOR_TOKEN": (
        "Sàn không cho đọc bản ghi (mã {status}): kiểm tra tệp --token-file và quyết định kiểm tra còn hiệu lực.",
        "The exchange does not hand out the records (status {status}): check --token-file, and that a warrant holds.",
    ),
    "MONITOR_STATE": (
        "Không dùng được tệp trạng thái {path}: {reason}.",
        "The state file {path} cannot be used: {reason}.",
    ),
    # -- what went well
    "LABEL_BASIS": ("căn cứ", "basis"),
    "LABEL_VALUE": ("giá trị", "value"),
    "LABEL_PASSES": ("được chấp nhận", "what passes"),
    "LABEL_REQUEST": ("mã yêu cầu", "request id"),
    "KEY_MADE": (
        "Đã tạo khóa {alg} trong {path}. Tên khóa: {kid}\nGiữ tệp này cho riêng mình và sao lưu nó.",
        "Made an {alg} key in {path}. Its name: {kid}\nKeep this file to yourself, and keep a copy.",
    ),
    "KEY_REGISTERED": ("Đã đăng ký khóa {kid} (mã {id}).", "Registered the key {kid} (id {id})."),
    "LOGIN_OPEN": (
        "Mở địa chỉ này trong trình duyệt và đồng ý:\n{url}",
        "Open this address in a browser and allow it:\n{url}",
    ),
    "LOGIN_DONE": (
        "Xong. Có thể đóng trang này và quay lại cửa sổ lệnh.",
        "Done. You can close this page and go back to the terminal.",
    ),
    "DRAFT_MADE": ("Bản nháp: {id}", "Draft: {id}"),
    "UPLOADING": ("Đang gửi", "Sending"),
    "DOWNLOADING": ("Đang tải", "Fetching"),
    "FILE_READ": (
        "Sàn đã đọc {name}: {rows} dòng, {columns} cột, mã băm {sha256}.",
        "The exchange has read {name}: {rows} rows, {columns} columns, digest {sha256}.",
    ),
    "SUBMITTED": (
        "Đã gửi duyệt phiên bản {version} của {id}. Mã băm: {digest}",
        "Version {version} of {id} is submitted for review. Digest: {digest}",
    ),
    "NEGOTIATION": (
        "Thương lượng {id}: {state}. Tin niêm yết {listing}, phiên bản {version}.\n"
        "Mã băm điều khoản: {terms}\nBạn có thể: {allowed}",
        "Negotiation {id}: {state}. Listing {listing}, version {version}.\n"
        "Digest of the terms: {terms}\nOpen to you: {allowed}",
    ),
    "NEGOTIATION_ENDED": (
        "Đã chấm dứt: {why}. Lý do: {reason}. Tổ chức: {by}. Thời điểm: {at}.",
        "Ended: {why}. Reason: {reason}. Organisation: {by}. When: {at}.",
    ),
    "APPROVAL_STANDS": (
        "Phê duyệt nội bộ ({what}), vai trò {roles}: {given}",
        "Approval in your organisation ({what}), by {roles}: {given}",
    ),
    "RULE_STANDS": (
        "Quy tắc tự đồng ý cho tin {listing}: mức định danh từ {level}, giá đến {price} ₫; có hiệu lực từ {since}.",
        "A rule agrees to requests for {listing}: level {level} or more, up to {price} ₫; in force since {since}.",
    ),
    "RULE_NONE": (
        "Không có quy tắc tự đồng ý cho tin {listing}: yêu cầu do người trả lời.",
        "No rule agrees to requests for {listing}: a person answers.",
    ),
    "CONTRACT_DRAWN": ("Hợp đồng: {id}", "Contract: {id}"),
    "SIGNED": ("Đã ký hợp đồng {id} bằng khóa {kid}.", "Signed contract {id} with the key {kid}."),
    "PROVED": (
        "{event}: bản ghi số {index} trong nhật ký {log} có {size} bản ghi; bằng chứng đã được kiểm tra tại máy này.",
        "{event}: record {index} of {size} in the log {log}; the proof was checked on this machine.",
    ),
    "TRUSTED_SERVER": (
        "Khóa của nhật ký lấy từ chính sàn. Dùng --policy với khóa lấy từ nguồn khác để không phải tin sàn.",
        "The log's key came from the exchange itself. Use --policy with a key from elsewhere so as not to trust it.",
    ),
    "IN_FORCE": ("Trạng thái hợp đồng: {standing}.", "Standing of the contract: {standing}."),
    "WAITING_FOR": ("Còn chờ chữ ký của: {orgs}", "Still to sign: {orgs}"),
    "FETCHED": (
        "{path}: {bytes} byte, mã băm đúng như trong hợp đồng ({digest}).",
        "{path}: {bytes} bytes, digest as in the signed contract ({digest}).",
    ),
    "UNREAD": ("Chưa đọc: {count}", "Unread: {count}"),
    "WEBHOOK_ADDED": ("Đã đăng ký webhook {id}: {url}", "Webhook {id} is registered: {url}"),
    "WEBHOOK_SECRET": (
        "Khóa bí mật, chỉ hiện lần này: {secret}",
        "The secret, shown this once: {secret}",
    ),
    "WEBHOOK_REMOVED": ("Đã gỡ webhook {id}.", "Webhook {id} is removed."),
    "WEBHOOK_SENDING": ("Đang gửi tin: {id}", "On its way: {id}"),
    **PLACES,
    **TRIAL,
    **PAPER,
    **life_words.LIFE,
    **leak_words.LEAKS,
    **gossip_words.GOSSIP,
    **ROOMS,
}  # fmt: skip
