"""What each refusal of a certificate, or of a signature that came in a file, says: code -> (Vietnamese, English)."""

from __future__ import annotations

SENTENCES: dict[str, tuple[str, str]] = {
    "CERTIFICATE_MALFORMED": (
        "Chứng thư số không đọc được ({value} byte). Cần chứng thư X.509 ở dạng DER, tối đa {passes} byte.",
        "A certificate cannot be read ({value} bytes). An X.509 certificate in DER is needed, at most {passes} bytes.",
    ),
    "CERTIFICATE_PURPOSE": (
        "Chứng thư của {value} không dùng để ký hợp đồng được ({reason}). Mục đích sử dụng khóa phải là: {passes}.",
        "The certificate of {value} is not for signing contracts ({reason}). Its key usage must be: {passes}.",
    ),
    "CERTIFICATE_NOT_YET_VALID": (
        "Vào lúc ký ({at}), chứng thư của {value} chưa có hiệu lực. Chứng thư có hiệu lực từ {passes}.",
        "When it signed ({at}), the certificate of {value} was not valid yet. It is valid from {passes} on.",
    ),
    "CERTIFICATE_EXPIRED": (
        "Vào lúc ký ({at}), chứng thư của {value} đã hết hạn. Chứng thư có hiệu lực đến {passes}.",
        "When it signed ({at}), the certificate of {value} had expired. It was valid until {passes}.",
    ),
    "CERTIFICATE_REVOKED": (
        "Chứng thư của {value} đã bị {issuer} thu hồi từ {since}, trước lúc ký ({at}).",
        "The certificate of {value} was revoked by {issuer} on {since}, before it signed ({at}).",
    ),
    "CERTIFICATE_STATUS_UNKNOWN": (
        "Không có danh sách thu hồi của {issuer} còn hiệu lực vào lúc ký ({at}), nên không biết chứng thư của {value}"
        " có bị thu hồi hay không. Hãy yêu cầu đơn vị vận hành nạp danh sách mới.",
        "There is no revocation list of {issuer} for the moment of signing ({at}), so nobody can tell whether the"
        " certificate of {value} was revoked. Ask the operator to load the newest list.",
    ),
    "CERTIFICATE_UNTRUSTED": (
        "Chứng thư của {value}, do {issuer} cấp, không dẫn đến chứng thư gốc được tin cậy ({reason})."
        " Các chứng thư gốc được tin cậy: {passes}.",
        "The certificate of {value}, issued by {issuer}, leads to no trusted root ({reason})."
        " Roots that are trusted: {passes}.",
    ),
    "CHAIN_LENGTH": (
        "Chữ ký kèm {value} chứng thư; cần {passes} chứng thư, chứng thư của người ký đứng đầu.",
        "The signature brings {value} certificates; it must be {passes}, the signer's first.",
    ),
    "CRL_MALFORMED": (
        "Danh sách thu hồi không đọc được ({value} byte). Cần danh sách X.509 ở dạng DER, có thời điểm cập nhật kế"
        " tiếp, ký bằng SHA-256 trở lên, tối đa {passes} byte.",
        "The revocation list cannot be read ({value} bytes). An X.509 list in DER is needed, with the time of its next"
        " update, signed with SHA-256 or stronger, at most {passes} bytes.",
    ),
    "CRL_PARTIAL": (
        "Chỉ dùng danh sách thu hồi đầy đủ; danh sách này chỉ là một phần ({value}).",
        "Only complete revocation lists are used; this one is a part ({value}).",
    ),
    "TRUST_MALFORMED": (
        "Danh sách chứng thư gốc không đúng khuôn mẫu.",
        "The list of trusted roots is malformed.",
    ),
    "ROOT_REFUSED": (
        "{value} không thể là chứng thư gốc ({reason}): cần chứng thư của tổ chức chứng thực, do chính tổ chức đó ký.",
        "{value} cannot be a root ({reason}): it must be an authority's certificate, signed by itself.",
    ),
    "FORM_UNKNOWN": (
        "Không có dạng chữ ký “{value}”. Các dạng được dùng: {passes}.",
        "There is no form of signature “{value}”. The forms in use are: {passes}.",
    ),
    "FORM_UNAVAILABLE": (
        "Hệ thống này chưa cài đặt phần mở chữ ký dạng {value}. Dạng dùng được: {passes}.",
        "This installation cannot open signatures of the form {value}. What it can open: {passes}.",
    ),
    "FILE_TOO_LARGE": (
        "Tệp chữ ký trống hoặc quá lớn: {value} byte, tối đa {limit} byte.",
        "The file with the signature is empty or too large: {value} bytes, at most {limit}.",
    ),
}
