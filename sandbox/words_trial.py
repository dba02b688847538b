"""The refusals of the controlled trial in words. ``CODE:case`` is the sentence of one case of a rule with several.

Where a sentence names something from a closed list (a cap, an authority, a part of the certificate), its name stands in
NAMES under the fact that carries it.
"""

from collections.abc import Mapping

from sandbox.words import Words

Both = tuple[str, str]

CERTIFICATE = {
    "TRIAL_NOT_AUTHORISED": Words(
        "Chưa được phép thử nghiệm: không có giấy chứng nhận đầy đủ nội dung, đang có hiệu lực.",
        "Not authorised: there is no complete certificate of trial in force.",
        "Xin cấp giấy chứng nhận ghi số, cơ quan cấp, phạm vi và thời hạn.",
        "Obtain a certificate with its number, authority, scope and dates.",
    ),
    "TRIAL_NOT_AUTHORISED:missing": Words(
        "Chưa được phép thử nghiệm: hồ sơ hoặc giấy chứng nhận còn thiếu {part}.",
        "Not authorised: the certificate or its application lacks {part}.",
        "Bổ sung {part}.",
        "Add {part}.",
    ),
    "TRIAL_NOT_AUTHORISED:early": Words(
        "Chưa được phép thử nghiệm: hôm nay là {value}, giấy chứng nhận có hiệu lực từ {limit}.",
        "Not authorised yet: today is {value}, the certificate is valid from {limit}.",
        "Thực hiện từ ngày {limit}.",
        "Act from {limit} on.",
    ),
    "TRIAL_EXPIRED": Words(
        "Đã hết thời hạn thử nghiệm: ngày cuối cùng là {limit}, hôm nay là {value}.",
        "The trial has expired: its last day was {limit}, today is {value}.",
        "Việc này chỉ được thực hiện đến hết ngày {limit}; sau đó cần giấy chứng nhận mới.",
        "This was possible until the end of {limit}; after that a new certificate is needed.",
    ),
    "TRIAL_EXPIRED:closed": Words(
        "Thử nghiệm đã kết thúc ngày {limit}; hôm nay là {value}, chỉ còn được xem.",
        "The trial was closed on {limit}; today is {value}, and it can only be read.",
        "Đề nghị cấp giấy chứng nhận mới nếu muốn thử nghiệm tiếp.",
        "Apply for a new certificate to go on.",
    ),
    "TRIAL_DATES": Words(
        "Ngày cuối cùng {value} trước ngày đầu tiên {limit}.",
        "The last day, {value}, is before the first, {limit}.",
        "Chọn ngày cuối cùng từ {limit} trở đi.",
        "Choose a last day from {limit} on.",
    ),
    "TRIAL_TOO_LONG": Words(
        "Thời hạn thử nghiệm đến {value} dài hơn {months} tháng, là mức tối đa.",
        "A trial until {value} is longer than {months} months, the longest term.",
        "Chọn ngày cuối cùng không muộn hơn {limit}.",
        "Let it end on {limit} or earlier.",
    ),
    "CERTIFICATE_IN_FORCE": Words(
        "Thời gian từ {value} đến {until} trùng với thời gian của giấy chứng nhận {cert_no} ({from} – {limit}); tại "
        "mỗi thời điểm chỉ một giấy chứng nhận có hiệu lực trên sàn.",
        "The days from {value} to {until} overlap with those of certificate {cert_no} ({from} – {limit}); one "
        "certificate governs this exchange at a time.",
        "Chọn thời gian sau ngày {limit}, hoặc kết thúc thử nghiệm theo giấy chứng nhận {cert_no} trước.",
        "Choose days after {limit}, or end the trial under certificate {cert_no} first.",
    ),
    "EXTENSION_NOT_ALLOWED:count": Words(
        "Không được gia hạn lần thứ {value}: chỉ được gia hạn {limit} lần.",
        "Extension number {value} is not allowed: {limit} at most.",
        "Kết thúc thử nghiệm đúng hạn, hoặc đề nghị cấp giấy chứng nhận mới.",
        "End the trial in time, or apply for a new certificate.",
    ),
    "EXTENSION_NOT_ALLOWED:late": Words(
        "Quá hạn xin gia hạn: nộp ngày {value}, hạn cuối là {limit}.",
        "The extension is asked for too late: on {value}; the last day for it was {limit}.",
        "Đề nghị gia hạn chậm nhất ngày {limit}; quá hạn phải xin giấy chứng nhận mới.",
        "Ask by {limit}; after that a new certificate is needed.",
    ),
    "EXTENSION_NOT_ALLOWED:long": Words(
        "Thời gian gia hạn không hợp lệ: đề nghị đến “{value}”, tối đa đến {limit}.",
        "The extension is not valid: asked for until “{value}”, at most until {limit}.",
        "Chọn ngày cuối cùng không muộn hơn {limit}.",
        "Choose a last day on or before {limit}.",
    ),
    "EXTENSION_NOT_ALLOWED:short": Words(
        "Ngày {value} không muộn hơn ngày cuối cùng hiện nay là {limit}.",
        "{value} is not later than the present last day, {limit}.",
        "Chọn ngày sau {limit}.",
        "Choose a day after {limit}.",
    ),
    "TRIAL_TERRITORY": Words(
        "Chỉ được thử nghiệm trong lãnh thổ cho phép ({limit}); yêu cầu ghi: “{value}”.",
        "The trial is limited to its territory ({limit}); this names “{value}”.",
        "Chọn nơi sử dụng thuộc lãnh thổ cho phép: {limit}.",
        "Name a place inside the permitted territory: {limit}.",
    ),
    "TRIAL_TERRITORY:missing": Words(
        "Chưa nêu nơi sử dụng dữ liệu; chỉ được thử nghiệm trong lãnh thổ cho phép ({limit}).",
        "No place of use is named; the trial is limited to its territory ({limit}).",
        "Nêu nơi sử dụng thuộc lãnh thổ cho phép: {limit}.",
        "Name a place inside the permitted territory: {limit}.",
    ),
    "OUT_OF_TRIAL_SCOPE": Words(
        "Ngoài phạm vi được phép thử nghiệm ({part}): “{value}”.",
        "Outside the scope of the trial ({part}): “{value}”.",
        "Giấy chứng nhận chỉ cho phép: {limit}.",
        "The certificate allows only: {limit}.",
    ),
    "TRIAL_CAP_EXCEEDED": Words(
        "Vượt hạn mức thử nghiệm ({cap}): {used} trên hạn mức {limit}.",
        "Over the cap of the trial ({cap}): {used} of {limit}.",
        "Giảm xuống không quá {limit} (còn lại {left}), hoặc đề nghị điều chỉnh hạn mức.",
        "Stay at or under {limit} ({left} left), or ask for the cap to be changed.",
    ),
    "LEVEL_AUTHORITY_MISMATCH": Words(
        "Cấp phê duyệt không khớp cấp độ thử nghiệm: cấp độ {value}, trong khi dữ liệu ({classes}) cần cấp độ {limit}.",
        "The approval does not match the level of the trial: level {value}; its data ({classes}) need level {limit}.",
        "Xin phép thử nghiệm ở cấp độ {limit}, hoặc bỏ loại dữ liệu đó khỏi phạm vi.",
        "Apply at level {limit}, or leave these data out of the scope.",
    ),
    "LEVEL_AUTHORITY_MISMATCH:authority": Words(
        "Cấp phê duyệt không khớp cấp độ thử nghiệm: {value} không phê duyệt thử nghiệm cấp độ {level}.",
        "The approval does not match the level of the trial: {value} does not permit trials of level {level}.",
        "Gửi hồ sơ đến {limit}.",
        "Apply to {limit}.",
    ),
    "APPROVER_NOT_COMPETENT": Words(
        "Cơ quan phê duyệt không có thẩm quyền: {value}, đối với thử nghiệm cấp độ {level} trên địa bàn này.",
        "The authority is not competent: {value}, for a trial of level {level} in this territory.",
        "Cơ quan có thẩm quyền là {limit}.",
        "The competent authority is {limit}.",
    ),
    "APPROVER_NOT_COMPETENT:province": Words(
        "Cơ quan phê duyệt không có thẩm quyền tại {value}; địa bàn của cơ quan: {limit}.",
        "The authority is not competent in {value}; its territory is {limit}.",
        "Gửi hồ sơ đến cơ quan có thẩm quyền tại {value}.",
        "Apply to the authority of {value}.",
    ),
}
PARTICIPANTS = {
    "LICENCE_SHORTER_THAN_TRIAL": Words(
        "Giấy phép hết hạn ngày {value}, trước khi kết thúc thử nghiệm ngày {limit}.",
        "The licence ends on {value}, before the trial does on {limit}.",
        "Gia hạn giấy phép ít nhất đến ngày {limit}.",
        "Have the licence extended to {limit} or later.",
    ),
    "ENTITY_NOT_ELIGIBLE:unknown": Words(
        "Tổ chức không đủ điều kiện tham gia: chưa kê khai tư cách pháp nhân, giấy phép và người phụ trách.",
        "The organisation is not eligible: it has stated nothing of its legal form, licence and manager.",
        "Kê khai các thông tin đó khi đăng ký tham gia.",
        "State these when joining.",
    ),
    "ENTITY_NOT_ELIGIBLE:foreign": Words(
        "Tổ chức không đủ điều kiện tham gia: không phải pháp nhân Việt Nam.",
        "The organisation is not eligible: it is not a Vietnamese legal entity.",
        "Tham gia bằng pháp nhân được thành lập tại Việt Nam.",
        "Take part as a legal entity founded in Viet Nam.",
    ),
    "ENTITY_NOT_ELIGIBLE:reorganising": Words(
        "Tổ chức không đủ điều kiện tham gia: đang chia, tách, hợp nhất, sáp nhập, giải thể hoặc phá sản.",
        "The organisation is not eligible: it is being split, merged, dissolved or wound up.",
        "Tham gia sau khi hoàn tất việc tổ chức lại.",
        "Take part when that is over.",
    ),
    "MANAGER_NOT_QUALIFIED:degree": Words(
        "Người phụ trách chưa đủ trình độ: “{value}” không thuộc các ngành được chấp nhận.",
        "The manager is not qualified: a degree in “{value}” is not one of those accepted.",
        "Cử người có bằng đại học ngành kinh tế, quản trị kinh doanh, luật hoặc công nghệ thông tin ({limit}).",
        "Name somebody with a degree in economics, business, law or information technology ({limit}).",
    ),
    "MANAGER_NOT_QUALIFIED:years": Words(
        "Người phụ trách chưa đủ kinh nghiệm: {value} năm quản lý, cần ít nhất {limit} năm.",
        "The manager is not qualified: {value} years of management, at least {limit} are needed.",
        "Cử người có ít nhất {limit} năm kinh nghiệm quản lý.",
        "Name somebody with {limit} years of management or more.",
    ),
    "TRIAL_NOTICE_NOT_ACCEPTED": Words(
        "Chưa xác nhận đã biết đây là thử nghiệm (thông báo phiên bản {limit}).",
        "The notice that this is a trial (version {limit}) has not been accepted.",
        "Đọc và xác nhận thông báo phiên bản {limit}.",
        "Read and accept version {limit} of the notice.",
    ),
}
COURSE = {
    "REPORT_OVERDUE": Words(
        "Quá hạn báo cáo định kỳ kỳ {from} – {to}: hạn cuối là {limit}, hôm nay là {value}. Tạm dừng niêm yết mới.",
        "The report for {from} – {to} is overdue: it was due by {limit}, today is {value}. New listings are frozen.",
        "Nộp báo cáo của kỳ {from} – {to}.",
        "File the report for {from} – {to}.",
    ),
    "INCIDENT_REPORT_LATE": Words(
        "Báo cáo sự cố quá {hours} giờ: hạn cuối là {limit}, đến {value} vẫn chưa có báo cáo.",
        "The incident was not reported within {hours} hours: due by {limit}, still missing at {value}.",
        "Báo cáo ngay sự cố; sau đó chờ quyết định cho tiếp tục thử nghiệm.",
        "Report the incident at once, then wait for the decision that resumes the trial.",
    ),
    "INCIDENT_REPORT_LATE:late": Words(
        "Báo cáo sự cố quá {hours} giờ: hạn cuối là {limit}, báo cáo lúc {value}.",
        "The incident was not reported within {hours} hours: due by {limit}, reported at {value}.",
        "Chờ quyết định của cơ quan có thẩm quyền cho tiếp tục thử nghiệm.",
        "Wait for the authority's decision that resumes the trial.",
    ),
    "NO_AUTOMATIC_GRADUATION": Words(
        "Hoàn thành thử nghiệm không đương nhiên được kinh doanh.",
        "Completing the trial gives no right to do business.",
        "Xin cấp phép kinh doanh theo quy định.",
        "Apply for a business licence.",
    ),
    "TRIAL_SUSPENDED": Words(
        "Thử nghiệm đang bị tạm dừng.",
        "The trial is suspended.",
        "Chờ khắc phục hoặc quyết định cho tiếp tục thử nghiệm.",
        "Wait until what suspends it is mended, or for the decision that resumes it.",
    ),
    "TRIAL_SUSPENDED:decision": Words(
        "Thử nghiệm bị tạm dừng theo quyết định, từ ngày {value}.",
        "The trial is suspended by decision, since {value}.",
        "Chờ quyết định cho tiếp tục thử nghiệm.",
        "Wait for the decision that resumes it.",
    ),
    "TRIAL_SUSPENDED:incident_open": Words(
        "Thử nghiệm bị tạm dừng: sự cố phát hiện ngày {value} chưa khắc phục xong.",
        "The trial is suspended: the incident detected on {value} is still open.",
        "Khắc phục và đóng sự cố.",
        "Resolve the incident and close it.",
    ),
    "TRIAL_SUSPENDED:incident_report_late": Words(
        "Thử nghiệm bị tạm dừng: báo cáo sự cố quá hạn từ ngày {value}.",
        "The trial is suspended: an incident was reported late; the time was over on {value}.",
        "Báo cáo sự cố và chờ quyết định cho tiếp tục thử nghiệm.",
        "Report the incident and wait for the decision that resumes the trial.",
    ),
    "TRIAL_SUSPENDED:security_expired": Words(
        "Thử nghiệm bị tạm dừng: chứng nhận an toàn của hệ thống hết hiệu lực từ ngày {value}.",
        "The trial is suspended: the security certificate of the system is no longer valid since {value}.",
        "Ghi nhận chứng nhận an toàn còn hiệu lực.",
        "Record a security certificate that is valid.",
    ),
    "TRIAL_SUSPENDED:reports_missed": Words(
        "Thử nghiệm bị tạm dừng từ ngày {value}: nhiều kỳ báo cáo bị bỏ lỡ.",
        "The trial is suspended since {value}: several periodic reports were missed.",
        "Nộp các báo cáo còn thiếu.",
        "File the missing reports.",
    ),
    "TRIAL_TERMINATED": Words(
        "Thử nghiệm đã chấm dứt ngày {value} ({reason}); chỉ còn được xem.",
        "The trial was terminated on {value} ({reason}); it can only be read.",
        "Trả lại hoặc xóa dữ liệu theo yêu cầu; muốn thử nghiệm tiếp phải xin giấy chứng nhận mới.",
        "Return or erase the data as required; to go on, a new certificate is needed.",
    ),
    "TRIAL_TERMINATED:paper": Words(
        "Thử nghiệm theo giấy chứng nhận {cert_no} đã bị chấm dứt ngày {value} ({reason}); sàn không ghi nhận giấy "
        "chứng nhận mới chỉ do đơn vị vận hành chép lại từ văn bản giấy.",
        "The trial under certificate {cert_no} was terminated on {value} ({reason}); a new certificate that only the "
        "operator copies from paper is not recorded.",
        "Đề nghị cơ quan có thẩm quyền tham gia sàn và cấp giấy chứng nhận mới tại đây, theo hồ sơ đề nghị.",
        "Let the competent authority join this exchange and issue the new certificate here, on an application.",
    ),
    "EXIT_REPORT_MISSING": Words(
        "Không thể kết thúc thử nghiệm: thiếu báo cáo tổng kết.",
        "The trial cannot be closed: its exit report is missing.",
        "Nộp báo cáo tổng kết; cơ quan có thẩm quyền đánh giá trong {days} ngày làm việc.",
        "File the exit report; the authority evaluates it within {days} working days.",
    ),
    "TRIAL_LIABILITY": Words(
        "Chỉ được loại trừ trách nhiệm hành chính, dân sự đối với thiệt hại gây ra cho Nhà nước khi đã tuân thủ đầy đủ "
        "quy định và không gian lận, vụ lợi.",
        "Administrative and civil liability for damage to the State is excluded only where every rule was followed and "
        "there was no fraud.",
        "Ngoài trường hợp đó, sàn không cam kết miễn trách nhiệm nào; thiệt hại của người tham gia và bên thứ ba vẫn "
        "phải bồi thường theo pháp luật.",
        "Beyond that this exchange promises no exemption; damage to participants and third parties is made good under "
        "the law.",
    ),
    "TEST_ROOM_EXPORT_BLOCKED": Words(
        "Không được sao chép, tải xuống dữ liệu gốc từ môi trường thử nghiệm.",
        "Nothing may be copied or downloaded out of the test room.",
        "Đặt câu hỏi thống kê, hoặc ký hợp đồng để nhận dữ liệu.",
        "Ask for statistics, or sign a contract to receive the data.",
    ),
}
TRIAL = {**CERTIFICATE, **PARTICIPANTS, **COURSE}

# The fact (or the kind of list, where its value says which), the value, and its name.
NAMES: Mapping[str, Mapping[str, Both]] = {
    "part": {
        "cert_no": ("số giấy chứng nhận", "its number"),
        "authority": ("cơ quan cấp", "its authority"),
        "valid_from": ("ngày bắt đầu", "its first day"),
        "valid_to": ("ngày kết thúc", "its last day"),
        "sectors": ("lĩnh vực được phép", "its sectors"),
        "classes": ("loại dữ liệu được phép", "its classes of data"),
        "verbs": ("các hoạt động được phép", "its activities"),
        "territory": ("địa bàn thử nghiệm", "its territory"),
        "safeguards": ("biện pháp bảo đảm an toàn", "its safeguards"),
        "question": ("câu hỏi cần trả lời qua thử nghiệm", "the question it is to answer"),
        "measure": ("tiêu chí đánh giá kết quả", "the measure of its success"),
        "action": ("loại việc", "kind of action"),
        "sector": ("lĩnh vực", "sector"),
        "classification": ("loại dữ liệu", "class of data"),
        "verb": ("hoạt động", "activity"),
    },
    "cap": {
        "members": ("số thành viên", "members"),
        "listings": ("số sản phẩm niêm yết", "listings"),
        "tx_vnd": ("giá trị một giao dịch, đồng", "value of one transaction, VND"),
        "total_vnd": ("tổng giá trị giao dịch, đồng", "total value, VND"),
    },
    "approver": {
        "provincial": ("Ủy ban nhân dân cấp tỉnh", "the People's Committee of the province"),
        "ministry": ("bộ quản lý ngành, lĩnh vực", "the ministry in charge"),
        "public_security": ("Bộ Công an", "the Ministry of Public Security"),
    },
    "reason": {
        "": ("không nêu lý do", "no reason given"),
        "fraud": ("gian lận", "fraud"),
        "false_dossier": ("hồ sơ giả mạo", "false dossier"),
        "security_harm": ("gây hại đến an ninh", "harm to security"),
        "inspection_refused": ("từ chối thanh tra, kiểm tra", "inspection refused"),
        "self_exit": ("tự nguyện rút", "withdrawal"),
    },
}
