"""What signatures in files (CAdES, PAdES) are refused for, in Vietnamese and English; `words.say` reads them."""

from __future__ import annotations

SENTENCES: dict[str, tuple[str, str]] = {
    "CMS_MALFORMED": (
        "Tệp chữ ký không phải CMS (.p7s) mã hóa DER đúng chuẩn ({reason}).",
        "The signature file is not CMS (.p7s) in well-formed DER ({reason}).",
    ),
    "CMS_REFUSED": (
        "Chữ ký CMS không được chấp nhận ({reason}): “{value}”; cần: {passes}.",
        "The CMS signature is refused ({reason}): “{value}”; expected: {passes}.",
    ),
    "CMS_ATTRIBUTE_MISSING": (
        "Chữ ký thiếu thuộc tính được ký “{value}”. Hãy ký theo chuẩn CAdES.",
        "The signature lacks the signed attribute “{value}”. Sign in the CAdES form.",
    ),
    "CMS_OTHER_CONTENT": (
        "Chữ ký không phải trên đúng nội dung hợp đồng này. Hãy tải lại nội dung và ký đúng tệp đó.",
        "The signature is over something else than this contract. Download the bytes again and sign exactly those.",
    ),
    "CMS_OTHER_CERTIFICATE": (
        "Chữ ký chỉ đến một chứng thư khác với chứng thư đi kèm.",
        "The signature names another certificate than the one beside it.",
    ),
    "PDF_MALFORMED": (
        "Không đọc được tệp PDF ({reason}). Hãy tải lại tệp từ sàn rồi ký mà không lưu lại bằng phần mềm khác.",
        "The PDF cannot be read ({reason}). Download it again and sign it without saving it in other software.",
    ),
    "PDF_TOO_LARGE": (
        "Tệp PDF vượt giới hạn ({reason}): {value}; tối đa {limit}.",
        "The PDF goes beyond a limit ({reason}): {value}; at most {limit}.",
    ),
    "PDF_UNSIGNED": ("Tệp PDF chưa có chữ ký nào.", "The PDF holds no signature."),
    "PDF_SIGNATURE_REFUSED": (
        "Chữ ký “{field}” trong tệp PDF không được chấp nhận ({reason}); cần: {passes}.",
        "The signature “{field}” in the PDF is refused ({reason}); expected: {passes}.",
    ),
    "PDF_CHANGED": (
        "Tệp PDF đã bị thay đổi sau chữ ký “{field}” ({reason}). Chỉ được thêm chữ ký.",
        "The PDF was changed after the signature “{field}” ({reason}). Only further signatures may be added.",
    ),
    "PDF_NOT_COVERED": (
        "Chữ ký “{field}” không bao trùm toàn bộ tệp PDF.",
        "The signature “{field}” does not cover the whole PDF.",
    ),
    "PDF_OTHER_CONTRACT": (
        "Tệp contract.json đính kèm trong PDF không đúng là hợp đồng này ({reason}).",
        "The contract.json attached to the PDF is not this contract ({reason}).",
    ),
    "PDF_OTHER_PAGES": (
        "Tệp PDF không phải bản do sàn in ra, hoặc có nội dung thêm vào ngoài chữ ký. Hãy tải lại bản PDF của hợp đồng "
        "và ký bản đó.",
        "The PDF is not the one that the exchange prints, or holds more than signatures beside it. Download the "
        "contract's PDF again and sign that.",
    ),
}
