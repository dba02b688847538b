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
    "KEY_MISSING": (
        "Hãy cho biết khóa: một tệp, hoặc tên khóa với --pkcs11, hoặc --remote.",
        "Say which key: a file, or its label with --pkcs11, or --remote.",
    ),
    "CHAIN_OTHER": (
        "Chứng thư số đầu tiên trong {path} không phải của khóa này.",
        "The first certificate in {path} is not this key's.",
    ),
    # -- a remote signing service
    "REMOTE_PROGRAM": (
        "Hãy nêu tệp ứng dụng của dịch vụ ký số bằng --service hoặc biến MINHBACH_SERVICE.",
        "Name the signing service's client file, with --service or the variable MINHBACH_SERVICE.",
    ),
    "REMOTE_VERSION": (
        "{server} không dùng phiên bản 2 của giao thức CSC (mà là: {value}).",
        "{server} does not speak version 2 of the CSC API (but: {value}).",
    ),
    "REMOTE_STRANGE": (
        "{server} trả lời không đúng giao thức CSC: {call}, {field}. Chưa ký gì.",
        "{server} does not answer as the CSC API says: {call}, {field}. Nothing was signed.",
    ),
    "REMOTE_BUSY": (
        "{server} đang quá tải hoặc giới hạn số lần gọi (mã {status}). Hãy thử lại sau. Chưa ký gì.",
        "{server} is busy or limits how often it is asked (status {status}). Try again later. Nothing was signed.",
    ),
    "REMOTE_REFUSED": (
        "{server} từ chối {call}: {error} {reason}. Chưa ký gì.",
        "{server} refuses {call}: {error} {reason}. Nothing was signed.",
    ),
    "REMOTE_TOKEN": (
        "{server} không cấp quyền cho ứng dụng hoặc tài khoản này: {error} {reason}",
        "{server} gives this program or account no access: {error} {reason}",
    ),
    "REMOTE_PIN": (
        "{server}: sai mã PIN. Sau vài lần sai, dịch vụ có thể khóa chứng thư. Chưa ký gì.",
        "{server}: wrong PIN. After a few wrong ones the service may lock the credential. Nothing was signed.",
    ),
    "REMOTE_OTP": (
        "{server}: mã dùng một lần sai hoặc đã hết hạn. Hãy chạy lại lệnh để nhận mã mới. Chưa ký gì.",
        "{server}: the one-time password is wrong or has expired. Run the command again. Nothing was signed.",
    ),
    "REMOTE_SAD": (
        "{server}: quyền ký đã hết hạn hoặc không dùng được. Hãy chạy lại lệnh. Chưa ký gì.",
        "{server}: the authorisation to sign has expired or does not fit. Run the command again. Nothing was signed.",
    ),
    "REMOTE_CHOOSE": (
        "Hãy nêu chứng thư bằng --key. {server} có: {passes}",
        "Name a credential with --key. {server} has: {passes}",
    ),
    "REMOTE_CREDENTIAL": (
        "Chứng thư {credential} không ký được lúc này ({part}: {value}).",
        "The credential {credential} cannot sign now ({part}: {value}).",
    ),
    "REMOTE_ALGORITHM": (
        "Chứng thư {credential} ký bằng thuật toán không được chấp nhận ({value}). Được chấp nhận: {passes}.",
        "The credential {credential} signs with no algorithm that is accepted ({value}). Accepted: {passes}.",
    ),
    "REMOTE_MODE": (
        "Chứng thư {credential} cần cách xác thực chưa được hỗ trợ ({value}).",
        "The credential {credential} wants a way of authorisation that is not supported ({value}).",
    ),
    "ROTATE_CERTIFICATE": (
        "Chứng thư số không được thay bằng lệnh này: hãy đăng ký chứng thư mới, rồi thu hồi chứng thư cũ.",
        "A certificate is not replaced by this command: register the new one, then revoke the old one.",
    ),
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
