"""What each refusal about terms, documents and signatures says: code -> (Vietnamese, English).

Each sentence names the value that was refused and what would pass. {field} is given in the reader's language.
"""

from __future__ import annotations

SENTENCES: dict[str, tuple[str, str]] = {
    # terms: problems
    "NO_SCENARIO": (
        "Chưa nêu {field}. Hãy ghi rõ dữ liệu được dùng để làm gì, trong kịch bản nào.",
        "The {field} is missing. Say what the data are used for and in which scenario.",
    ),
    "LICENCE_TERMS_MISSING": (
        "Thiếu điều khoản về {field}. Nếu không có giới hạn, hãy ghi rõ là không có.",
        "The clause on {field} is missing. If there is no limit, say so.",
    ),
    "LICENCE_UNKNOWN": (
        "Không có loại giấy phép “{value}”. Các loại được dùng: {passes}.",
        "There is no licence type “{value}”. The types in use are: {passes}.",
    ),
    "TEXT_TOO_LONG": (
        "Nội dung {field} dài {value} ký tự; tối đa là {passes} ký tự.",
        "The {field} has {value} characters; at most {passes} are accepted.",
    ),
    "TEXT_SIGN_REFUSED": (
        "Nội dung {field} có ký tự không được dùng ({value}). Hãy bỏ ký tự điều khiển và gõ lại theo chuẩn {passes}.",
        "The {field} contains a sign that is not accepted ({value}). Remove control signs and use the form {passes}.",
    ),
    "TERRITORY_UNKNOWN": (
        "“{value}” không phải mã lãnh thổ. Hãy dùng mã ISO 3166, ví dụ {passes}.",
        "“{value}” is not a territory code. Use ISO 3166 codes such as {passes}.",
    ),
    "TERRITORY_REPEATED": (
        "Danh sách lãnh thổ có mã trùng nhau: {value}. Mỗi mã chỉ ghi một lần.",
        "The list of territories repeats a code: {value}. Write each code once.",
    ),
    "CROSS_BORDER_NOT_CLEARED": (
        "Chưa đủ hồ sơ chuyển dữ liệu xuyên biên giới tới {value}. Phạm vi được chấp nhận: {passes}.",
        "A transfer abroad to {value} has not been cleared. Accepted territory: {passes}.",
    ),
    "ENDS_BEFORE_START": (
        "Ngày kết thúc {value} trước ngày bắt đầu. Hãy chọn ngày từ {passes} trở đi.",
        "The last day {value} is before the first. Choose {passes} or later.",
    ),
    "ENDS_IN_PAST": (
        "Ngày kết thúc {value} đã qua. Hãy chọn ngày từ {passes} trở đi.",
        "The last day {value} has passed. Choose {passes} or later.",
    ),
    "ENDS_TOO_FAR": (
        "Ngày kết thúc {value} quá xa. Hãy chọn ngày {passes} hoặc sớm hơn.",
        "The last day {value} is too far off. Choose {passes} or earlier.",
    ),
    "TERM_TOO_LONG": (
        "Giấy phép sử dụng nội bộ (L3) không quá 12 tháng; ngày kết thúc {value} phải là {passes} hoặc sớm hơn.",
        "An internal-use licence (L3) lasts at most 12 months; the last day {value} must be {passes} or earlier.",
    ),
    "PRICE_NEGATIVE": (
        "Giá {value} đồng không hợp lệ. Giá phải từ {passes} đồng trở lên.",
        "A price of {value} đồng is not valid. The price must be {passes} đồng or more.",
    ),
    "PRICE_TOO_LARGE": (
        "Giá {value} đồng vượt mức hệ thống ghi nhận. Giá tối đa: {passes} đồng.",
        "A price of {value} đồng is more than can be recorded. The highest price is {passes} đồng.",
    ),
    "OPEN_LICENCE_PRICED": (
        "Dữ liệu mở (L0) không được tính phí; giá {value} đồng phải là {passes}.",
        "Open data (L0) carry no price; {value} đồng must be {passes}.",
    ),
    "LIMIT_REFUSED": (
        "Giới hạn {field} là {value} không hợp lệ; phải từ {passes} trở lên, hoặc để trống.",
        "The limit {field} of {value} is not valid; it must be {passes} or more, or be left empty.",
    ),
    "LIMIT_MISSING": (
        "Loại giấy phép đã chọn phải có giới hạn {field}, từ {passes} trở lên.",
        "The chosen licence type needs the limit {field}, {passes} or more.",
    ),
    "LIMIT_TOO_LARGE": (
        "Giới hạn {field} là {value} quá lớn; nhiều nhất là {passes}.",
        "The limit {field} of {value} is too large; at most {passes} is accepted.",
    ),
    "CHOICE_UNKNOWN": (
        "Không có lựa chọn “{value}” cho {field}. Được chấp nhận: {passes}.",
        "There is no choice “{value}” for the {field}. Accepted: {passes}.",
    ),
    "NOTHING_TO_PAY": (
        "Quyền được cấp miễn phí nên không thỏa thuận {field} ({value}); hãy để {passes} hoặc nêu giá.",
        "The right is free of charge, so no {field} ({value}) can be agreed; leave it {passes}, or name a price.",
    ),
    "NOT_IN_LICENCE": (
        "Loại giấy phép đã chọn không dùng {field} ({value}); chỉ dùng với: {passes}.",
        "The chosen licence type has no use for the {field} ({value}); it goes only with: {passes}.",
    ),
    "PERSONAL_DATA_UNCLEAR": (
        "Thiếu {field}. Chuyển giao dữ liệu cá nhân phải nêu cả chủ thể, loại dữ liệu và căn cứ pháp lý.",
        "The {field} is missing. A transfer of personal data states whose and which data, and the legal basis.",
    ),
    "PERSONAL_DATA_TRADE_BANNED": (
        "Cấm mua, bán dữ liệu cá nhân: hợp đồng có dữ liệu cá nhân không được có giá ({value} đồng) hay chia doanh "
        "thu. Được chấp nhận: {passes} đồng.",
        "Personal data may not be traded: a contract with personal data has no price ({value} đồng) and shares no "
        "revenue. Accepted: {passes} đồng.",
    ),
    "PERSONAL_DATA_PASSED_ON": (
        "Hợp đồng có dữ liệu cá nhân không được cho phép chuyển giao tiếp “{value}”. Được chấp nhận: {passes}.",
        "A contract with personal data may not allow onward transfer “{value}”. Accepted: {passes}.",
    ),
    "DELIVERY_NOT_IN_LICENCE": (
        "Loại giấy phép này chỉ cho nhận kết quả truy vấn nên không có số lần giao tệp; hãy để trống ({value}).",
        "This licence type gives answers only, so it has no number of file deliveries; leave it empty ({value}).",
    ),
    "ONWARD_TRANSFER_REFUSED": (
        "Loại giấy phép đã chọn không cho phép chuyển giao tiếp “{value}”. Được chấp nhận: {passes}.",
        "The chosen licence type does not allow onward transfer “{value}”. Accepted: {passes}.",
    ),
    "EXCLUSIVE_MISMATCH": (
        "Chỉ giấy phép độc quyền (L6) mới độc quyền, và luôn độc quyền. Hãy đổi loại giấy phép hoặc bỏ chọn độc quyền.",
        "Only the exclusive licence (L6) is exclusive, and it always is. Change the licence type or the exclusivity.",
    ),
    "ATTRIBUTION_REQUIRED": (
        "Giấy phép dữ liệu mở (L0) yêu cầu ghi nguồn. Hãy chọn yêu cầu ghi nguồn.",
        "The open-data licence (L0) requires attribution. Switch attribution on.",
    ),
    # terms: form
    "TERMS_NOT_OBJECT": (
        "Điều khoản phải là một đối tượng JSON, không phải {type}.",
        "Terms must be a JSON object, not {type}.",
    ),
    "TERMS_FIELD_UNKNOWN": ("Điều khoản không có trường “{field}”.", "Terms have no field “{field}”."),
    "TERMS_FIELD_MISSING": ("Điều khoản thiếu trường {field}.", "Terms lack the field {field}."),
    "TERMS_FIELD_WRONG": (
        "Trường {field} có giá trị “{value}”; cần: {passes}.",
        "The field {field} has the value “{value}”; expected: {passes}.",
    ),
    # ODRL
    "ODRL_NOT_OBJECT": ("Chính sách: {path} phải là một đối tượng.", "Policy: {path} must be an object."),
    "ODRL_NOT_LIST": ("Chính sách: {path} phải là một danh sách.", "Policy: {path} must be a list."),
    "ODRL_FIELD_UNKNOWN": ("Chính sách: {path} có trường lạ “{field}”.", "Policy: {path} has an unknown “{field}”."),
    "ODRL_FIELD_MISSING": ("Chính sách thiếu {path}.", "The policy lacks {path}."),
    "ODRL_ACTION_UNKNOWN": (
        "Hành vi “{value}” không được hỗ trợ trong {path}. Được hỗ trợ: {passes}.",
        "The action “{value}” is not supported in {path}. Supported: {passes}.",
    ),
    "ODRL_OPERAND_UNKNOWN": (
        "Toán hạng “{value}” không được hỗ trợ. Được hỗ trợ: {passes}.",
        "The operand “{value}” is not supported. Supported: {passes}.",
    ),
    "ODRL_OPERATOR_UNKNOWN": (
        "Toán tử “{value}” không dùng được với {operand}. Được dùng: {passes}.",
        "The operator “{value}” does not go with {operand}. Accepted: {passes}.",
    ),
    "ODRL_VALUE_REFUSED": (
        "Giá trị “{value}” của {operand} không hợp lệ; cần: {passes}.",
        "The value “{value}” of {operand} is not valid; expected: {passes}.",
    ),
    "ODRL_TERM_MISSING": (
        "Chính sách không nêu (hoặc nêu sai) điều khoản {field}.",
        "The policy does not state, or misstates, {field}.",
    ),
    "ODRL_NOT_EXACT": (
        "Chính sách có nội dung mà điều khoản của sàn không diễn đạt được, tại {path}.",
        "The policy says something that the terms of the exchange cannot express, at {path}.",
    ),
    # negotiation
    "OUT_OF_TURN": (
        "Ở trạng thái {state}, {role} không được thực hiện {act}. Được phép: {passes}.",
        "In state {state} the {role} may not {act}. Allowed: {passes}.",
    ),
    "TERMS_MISSING": ("{act} phải kèm điều khoản.", "{act} must carry terms."),
    "TERMS_STALE": (
        "Điều khoản đã thay đổi từ khi mở trang. Hãy xem lại bản mới nhất ({passes}) rồi thực hiện {act}.",
        "The terms have changed since you opened the page. Read the newest ({passes}), then {act}.",
    ),
    # document
    "DOCUMENT_TOO_LARGE": (
        "Hợp đồng dài {value} byte; tối đa {limit} byte.",
        "The contract has {value} bytes; at most {limit} are accepted.",
    ),
    "DOCUMENT_NOT_OBJECT": ("Hợp đồng: {path} phải là một đối tượng.", "Contract: {path} must be an object."),
    "DOCUMENT_FIELD_UNKNOWN": ("Hợp đồng có trường lạ: {path}.", "The contract has an unknown field: {path}."),
    "DOCUMENT_FIELD_MISSING": ("Hợp đồng thiếu trường {path}.", "The contract lacks the field {path}."),
    "DOCUMENT_VALUE_REFUSED": (
        "Hợp đồng: {path} có giá trị “{value}”; cần: {passes}.",
        "Contract: {path} has the value “{value}”; expected: {passes}.",
    ),
    "DOCUMENT_CONTRADICTS": (
        "Hợp đồng tự mâu thuẫn: phần {path} không khớp với điều khoản.",
        "The contract contradicts itself: {path} does not follow from its terms.",
    ),
    "EDITION_UNKNOWN": (
        "Bản mẫu lời văn “{value}” không được biết ở đây; các bản được biết: {passes}.",
        "The edition “{value}” of the wording is not known here; known editions: {passes}.",
    ),
    "EDITION_TOO_OLD": (
        "Bản mẫu lời văn {value} chưa có điều khoản về {field}; hãy dùng bản {passes}.",
        "The edition {value} of the wording has no clause on the {field}; use {passes}.",
    ),
    "PROSE_CHANGED": (
        "Lời văn ({lang}) khác với bản mà hợp đồng cam kết bằng mã băm.",
        "The prose ({lang}) is not the one whose digest the contract holds.",
    ),
    "PARTIES_REFUSED": (
        "Hợp đồng có {value} bên giữ vai {role}; cần {passes}.",
        "The contract has {value} parties as {role}; expected {passes}.",
    ),
    "PARTY_REPEATED": ("Tổ chức {value} xuất hiện hai lần.", "The organisation {value} appears twice."),
    "PARTY_WITHOUT_KEY": (
        "Tổ chức {org} chưa đăng ký khóa ký. Hãy đăng ký một khóa trước khi lập hợp đồng.",
        "The organisation {org} has no signing key. Register one before the contract is made.",
    ),
    "KEY_REPEATED": ("Khóa {value} thuộc về hai bên.", "The key {value} belongs to two parties."),
    "NEEDS_REFUSED": (
        "Danh sách bên phải ký ({value}) không hợp lệ; phải gồm bên bán, bên mua và chỉ lấy trong: {passes}.",
        "The list of required signers ({value}) is not valid; it must hold seller and buyer, and only these: {passes}.",
    ),
    "ASSETS_MISSING": ("Hợp đồng không có tệp dữ liệu nào.", "The contract names no data file."),
    "ASSETS_MIXED": (
        "Một hợp đồng chỉ cho một phiên bản niêm yết; ở đây có: {value}.",
        "A contract covers one listing version; here are: {value}.",
    ),
    "ASSET_REPEATED": ("Tệp {value} được nêu hai lần.", "The file {value} is named twice."),
    # keys and signatures
    "ALGORITHM_REFUSED": (
        "Thuật toán ký “{value}” không được chấp nhận. Được chấp nhận: {passes}.",
        "The signature algorithm “{value}” is refused. Accepted: {passes}.",
    ),
    "KEY_FILE_REFUSED": (
        "Không đọc được tệp khóa: sai định dạng PEM hoặc sai mật khẩu.",
        "The key file cannot be read: not PEM, or the wrong password.",
    ),
    "KEY_PRIVATE": (
        "Khóa gửi lên chứa phần bí mật ({value}). Chỉ gửi khóa công khai và thay khóa này vì đã lộ.",
        "The key holds private parts ({value}). Send the public key only, and replace this one: it has been exposed.",
    ),
    "KEY_REFUSED": (
        "Khóa công khai không được chấp nhận ({reason}): {value}; cần: {passes}.",
        "The public key is refused ({reason}): {value}; expected: {passes}.",
    ),
    "KEY_MISMATCH": (
        "Mã khóa trong chữ ký ({value}) không phải của khóa đi kèm ({passes}).",
        "The key id in the signature ({value}) is not that of the key beside it ({passes}).",
    ),
    "KEY_UNKNOWN": (
        "Khóa {kid} không có trong hợp đồng. Hãy ký bằng khóa mà tổ chức đã đăng ký khi lập hợp đồng.",
        "The key {kid} is not in the contract. Sign with the key your organisation had registered when it was made.",
    ),
    "SIGNER_NOT_PARTY": (
        "Tổ chức {org} không phải bên ký của hợp đồng. Các bên ký: {passes}.",
        "The organisation {org} is not a signer of this contract. Signers: {passes}.",
    ),
    "BASE64URL_REFUSED": (
        "{path} không phải base64url đúng chuẩn (không có dấu =).",
        "{path} is not base64url in its one spelling (without =).",
    ),
    "PAYLOAD_CHANGED": (
        "Nội dung được ký khác với hợp đồng {contract}. Hãy tải lại trang và ký đúng văn bản đang hiển thị.",
        "What was signed is not the contract {contract}. Reload the page and sign the text shown.",
    ),
    "SIGNATURE_INVALID": (
        "Chữ ký bằng khóa {kid} không khớp với hợp đồng này.",
        "The signature by key {kid} does not fit this contract.",
    ),
    "SIGNATURE_LENGTH": (
        "Chữ ký dài {value} byte; cần {passes} byte.",
        "The signature has {value} bytes; expected {passes}.",
    ),
    "SIGNATURE_MALFORMED": (
        "Chữ ký sai định dạng tại “{path}”; chỉ gồm protected và signature.",
        "The signature is malformed at “{path}”; it holds protected and signature only.",
    ),
    "SIGNATURE_MISSING": ("Thiếu chữ ký của {org}.", "The signature of {org} is missing."),
    "SIGNATURE_REPEATED": (
        "Tổ chức {org} đã ký hợp đồng này rồi; mỗi bên chỉ ký một lần.",
        "The organisation {org} has signed already; each party signs once.",
    ),
    "SIGNED_FORM_REFUSED": (
        "Hợp đồng đã ký sai định dạng JWS tại {path}.",
        "The signed contract is not a JWS in general JSON form, at {path}.",
    ),
    "SIGNED_BEFORE_CONTRACT": (
        "Thời điểm ký {value} trước khi hợp đồng được lập ({passes}). Hãy chỉnh lại đồng hồ máy.",
        "The signing time {value} is before the contract was made ({passes}). Correct the clock.",
    ),
    "SIGNED_IN_FUTURE": (
        "Thời điểm ký {value} ở tương lai so với giờ của sàn ({passes}). Hãy chỉnh lại đồng hồ máy.",
        "The signing time {value} lies ahead of the exchange's clock ({passes}). Correct the clock.",
    ),
    "HEADER_TOO_LARGE": (
        "Phần đầu của chữ ký dài {value} ký tự; tối đa {limit}.",
        "The signature's header has {value} characters; at most {limit}.",
    ),
    "HEADER_NOT_CANONICAL": (
        "Phần đầu của chữ ký không phải JSON chuẩn tắc ({reason}).",
        "The signature's header is not canonical JSON ({reason}).",
    ),
    "HEADER_NOT_OBJECT": (
        "Phần đầu của chữ ký phải là một đối tượng JSON.",
        "The signature's header must be a JSON object.",
    ),
    "HEADER_FIELD_UNKNOWN": (
        "Phần đầu của chữ ký có trường không được phép: {field}.",
        "The signature's header has a field that is not allowed: {field}.",
    ),
    "HEADER_FIELD_MISSING": ("Phần đầu của chữ ký thiếu {field}.", "The signature's header lacks {field}."),
    "HEADER_FIELD_WRONG": (
        "Phần đầu của chữ ký: {field} là “{value}”; cần: {passes}.",
        "The signature's header: {field} is “{value}”; expected: {passes}.",
    ),
    # standing
    "CONTRACT_UNLOGGED": (
        "Hợp đồng {contract} chưa có hiệu lực: chưa được ghi vào nhật ký giao dịch. Hãy chờ biên nhận.",
        "The contract {contract} is not in force: it is not in the transaction log yet. Wait for the receipt.",
    ),
    "CONTRACT_UPCOMING": (
        "Hợp đồng {contract} có hiệu lực từ ngày {starts}; hiện là {now}.",
        "The contract {contract} runs from {starts}; it is now {now}.",
    ),
    "CONTRACT_SUSPENDED": (
        "Hợp đồng {contract} đang bị {by} tạm dừng từ {since}: {why}. Chỉ bên đã tạm dừng mới cho tiếp tục được.",
        "The contract {contract} has been suspended by {by} since {since}: {why}. Only they can resume it.",
    ),
    "CONTRACT_EXPIRED": (
        "Hợp đồng {contract} đã hết hạn vào cuối ngày {ends}. Cần hợp đồng mới.",
        "The contract {contract} expired at the end of {ends}. A new contract is needed.",
    ),
    "CONTRACT_ENDED": (
        "Hợp đồng {contract} đã chấm dứt lúc {ended_at}, lý do: “{reason}”. Cần hợp đồng mới.",
        "The contract {contract} was ended at {ended_at}, reason: “{reason}”. A new contract is needed.",
    ),
    "ACTION_NOT_IN_LICENCE": (
        "Giấy phép {licence} chỉ cho nhận kết quả truy vấn, không được tải dữ liệu gốc. Hãy dùng truy vấn.",
        "The licence {licence} gives answers only; the original data may not be downloaded. Use queries.",
    ),
    "ACTION_UNKNOWN": (
        "Không có thao tác “{action}”. Các thao tác: {passes}.",
        "There is no action “{action}”. Actions: {passes}.",
    ),
    "DELIVERIES_SPENT": (
        "Đã dùng {used}/{limit} lần giao của hợp đồng. Cần thỏa thuận thêm với bên bán.",
        "{used} of {limit} deliveries are spent. Agree on more with the seller.",
    ),
    "HOURS_SPENT": (
        "Đã hết {limit} giờ sử dụng môi trường thử nghiệm, tính từ lần truy vấn đầu tiên lúc {since}.",
        "The {limit} hours in the test room are over; they ran from the first query at {since}.",
    ),
    "QUERIES_SPENT": (
        "Đã dùng {used}/{limit} lượt truy vấn của hợp đồng. Cần thỏa thuận thêm với bên bán.",
        "{used} of {limit} queries are spent. Agree on more with the seller.",
    ),
}

FIELDS: dict[str, tuple[str, str]] = {
    "licence": ("loại giấy phép", "licence type"),
    "purpose": ("mục đích sử dụng", "purpose"),
    "scenario": ("kịch bản sử dụng", "use scenario"),
    "territory": ("phạm vi lãnh thổ", "territory"),
    "starts": ("ngày bắt đầu", "first day"),
    "ends": ("ngày kết thúc", "last day"),
    "exclusive": ("tính độc quyền", "exclusivity"),
    "onward_transfer": ("chuyển giao tiếp", "onward transfer"),
    "ip_limits": ("giới hạn về quyền sở hữu trí tuệ", "limits of intellectual property"),
    "price_vnd": ("giá", "price"),
    "max_deliveries": ("số lần giao tối đa", "largest number of deliveries"),
    "max_queries": ("số lượt truy vấn tối đa", "largest number of queries"),
    "min_group": ("cỡ nhóm tối thiểu", "smallest group size"),
    "attribution": ("ghi nguồn", "attribution"),
    "vat": ("thuế giá trị gia tăng", "value-added tax"),
    "payment_days": ("thời hạn thanh toán", "days to pay"),
    "royalty_percent": ("tỷ lệ chia doanh thu", "share of revenue"),
    "report_days": ("kỳ báo cáo bên nhận lại", "interval of reports on recipients"),
    "update_days": ("chu kỳ cập nhật", "interval of updates"),
    "max_hours": ("số giờ trong môi trường thử nghiệm", "hours in the test room"),
    "acceptance_days": ("thời hạn nghiệm thu", "days to accept a delivery"),
    "personal_data": ("chủ thể và loại dữ liệu cá nhân", "persons and kinds of personal data"),
    "personal_basis": ("căn cứ pháp lý của việc chuyển giao dữ liệu cá nhân", "legal basis for personal data"),
    "audit_days": ("thời hạn báo trước khi kiểm tra", "notice of an inspection"),
    "incident_hours": ("thời hạn thông báo sự cố", "hours to report an incident"),
    "deletion_days": ("thời hạn gửi bằng chứng xóa", "days to prove deletion"),
    "liability_cap_vnd": ("mức bồi thường tối đa", "limit of liability"),
    "penalty_percent": ("mức phạt vi phạm", "penalty for a breach"),
    "dispute_forum": ("nơi giải quyết tranh chấp", "forum for disputes"),
}

# States, roles and acts of a negotiation, inside a sentence.
NAMES: dict[str, tuple[str, str]] = {
    "REQUESTED": ("đã yêu cầu", "requested"),
    "OFFERED": ("đã đề nghị lại", "offered"),
    "ACCEPTED": ("đã chấp nhận", "accepted"),
    "AGREED": ("đã đồng ý", "agreed"),
    "VERIFIED": ("bên mua đã ký", "verified"),
    "FINALIZED": ("đã hoàn tất", "finalized"),
    "TERMINATED": ("đã chấm dứt", "terminated"),
    "CONSUMER": ("bên mua", "buyer"),
    "PROVIDER": ("bên bán", "seller"),
    "REQUEST": ("yêu cầu", "request"),
    "OFFER": ("đề nghị lại", "make a counter-offer"),
    "ACCEPT": ("chấp nhận", "accept"),
    "AGREE": ("đồng ý", "agree"),
    "VERIFY": ("ký bên mua", "verify"),
    "FINALIZE": ("hoàn tất", "finalize"),
    "TERMINATE": ("chấm dứt", "terminate"),
}
