"""What the client says about the places where keys lie: in Vietnamese and English, read by words.py."""

from collections.abc import Mapping

PLACES: Mapping[str, tuple[str, str]] = {
    "PLACE_SIGNED_WRONGLY": (
        "Chữ ký nhận được không đúng với khóa công khai {kid}; không gửi đi đâu. "
        "Kiểm tra khóa công khai và khóa bí mật cùng tên có phải một cặp không.",
        "The signature that came back does not hold under the public key {kid}; it was sent nowhere. "
        "Check that the public and the private key of this name belong together.",
    ),
    "SIGN_DIGEST": (
        "Mã băm của các byte được ký: {digest}\nKhóa: {kid} ({alg})",
        "Digest of the bytes to sign: {digest}\nKey: {kid} ({alg})",
    ),
    "ASK_PIN": ("Mã PIN của {where}", "PIN of {where}"),
    "ASK_OTP": ("Mã dùng một lần của {where}", "One-time password of {where}"),
    # -- how keys end
    "KEY_ROTATED": (
        "Đã đăng ký khóa {kid} (mã {id}) thay cho khóa {old}. Khóa cũ đã kết thúc.",
        "Registered the key {kid} (id {id}) in place of {old}, which has ended.",
    ),
    "KEY_NOT_REGISTERED": (
        "Khóa {kid} chưa được đăng ký cho tổ chức của bạn, hoặc đã bị thu hồi.",
        "The key {kid} is not registered for your organisation, or was revoked.",
    ),
    "REVOKE_CONFIRM": (
        "Thu hồi khóa {id}? Không thể hoàn tác.",
        "Revoke the key {id}? This cannot be undone.",
    ),
    "KEY_REVOKED": (
        "Đã thu hồi khóa {kid} lúc {at}. Hợp đồng đang chờ khóa này ký: minhbach redraw MÃ-HỢP-ĐỒNG",
        "Revoked the key {kid} at {at}. For contracts that wait for its signature: minhbach redraw CONTRACT",
    ),
    "CANNOT_SIGN_LOST": (
        "{org} không còn khóa nào được nêu trong văn bản này có hiệu lực.",
        "None of the keys that this document names for {org} is valid any more.",
    ),
    "CANNOT_SIGN_LATE": (
        "{org} có khóa mới hơn chưa được nêu trong văn bản này.",
        "{org} has a newer key that this document does not name.",
    ),
    "REDRAW_CONFIRM": (
        "Lập lại hợp đồng với các khóa đang có hiệu lực? Chữ ký đã có trên văn bản cũ không còn giá trị.",
        "Have it drawn up again with the keys valid now? Signatures of the older document are void.",
    ),
    # -- PKCS#11
    "PKCS11_INCOMPLETE": (
        "Khóa trên thiết bị cần cả --pkcs11 (thư viện) và --token (tên thiết bị).",
        "A key on a token needs both --pkcs11 (its library) and --token (its label).",
    ),
    "PKCS11_PACKAGE": (
        "Máy này chưa cài gói python-pkcs11. Hãy cài: pip install 'minhbach[pkcs11]'",
        "The package python-pkcs11 is not installed here. Install it: pip install 'minhbach[pkcs11]'",
    ),
    "PKCS11_MODULE": (
        "Không nạp được thư viện PKCS#11 {module}: {reason}",
        "The PKCS#11 library {module} cannot be loaded: {reason}",
    ),
    "TOKEN_MISSING": (
        "Không thấy thiết bị {label}. Đang có: {passes}. Kiểm tra thiết bị đã cắm và tên đúng từng chữ.",
        "There is no token {label}. Present: {passes}. Check that it is plugged in and that its label is exact.",
    ),
    "TOKEN_AMBIGUOUS": (
        "Có nhiều thiết bị cùng tên {label}. Hãy rút bớt hoặc đổi tên.",
        "Several tokens are called {label}. Unplug or rename all but one.",
    ),
    "TOKEN_KEY_MISSING": (
        "Thiết bị {token} không có khóa bí mật tên {label}. Đang có: {passes}.",
        "The token {token} holds no private key {label}. It holds: {passes}.",
    ),
    "TOKEN_KEY_AMBIGUOUS": (
        "Thiết bị {token} có nhiều khóa cùng tên {label}. Hãy đặt tên khác nhau. Đang có: {passes}.",
        "The token {token} holds several keys {label}. Give them different labels. It holds: {passes}.",
    ),
    "TOKEN_KEY_HALF": (
        "Thiết bị {token} không có khóa công khai hay chứng thư số đi với khóa {label}.",
        "The token {token} has neither the public key nor a certificate that goes with the key {label}.",
    ),
    "TOKEN_CANNOT": (
        "Thiết bị {token} không ký được bằng loại khóa này ({reason}).",
        "The token {token} cannot sign with a key of this kind ({reason}).",
    ),
    "TOKEN_GONE": ("Thiết bị {token} đã bị rút ra.", "The token {token} was removed."),
    "TOKEN_FAILED": (
        "Thiết bị {token} báo lỗi {reason}. Chưa ký gì.",
        "The token {token} reports {reason}. Nothing was signed.",
    ),
    "PIN_WRONG": (
        "Sai mã PIN của {token}. Sau vài lần sai, thiết bị sẽ bị khóa.",
        "Wrong PIN for {token}. After a few wrong ones the token locks itself.",
    ),
    "PIN_LOCKED": (
        "Thiết bị {token} đã bị khóa vì nhập sai mã PIN nhiều lần. Liên hệ nơi cấp thiết bị.",
        "The token {token} is locked after too many wrong PINs. Ask whoever issued it.",
    ),
    "PIN_EXPIRED": (
        "Mã PIN của {token} chưa được đặt hoặc đã hết hạn. Hãy đặt mã mới bằng phần mềm của thiết bị.",
        "The PIN of {token} was never set or has expired. Set a new one with the token's own program.",
    ),
}  # fmt: skip
