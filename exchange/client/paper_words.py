"""What the client says about contracts on paper and signatures by certificate, read by words.py."""

from collections.abc import Mapping

PAPER: Mapping[str, tuple[str, str]] = {
    "PAPER_PACKAGES": (
        "Cần cài thêm gói cho hợp đồng PDF và chữ ký bằng chứng thư: pip install 'minhbach[paper]'.",
        "The packages for PDF contracts and certificates are missing: pip install 'minhbach[paper]'.",
    ),
    "PAPER_SAVED": (
        "{path}: hợp đồng {id}, {bytes} byte, mã băm của nội dung được ký: {digest}",
        "{path}: contract {id}, {bytes} bytes, digest of what is signed: {digest}",
    ),
    "PAPER_OTHER": (
        "Tệp PDF nhận được không chứa đúng hợp đồng đã thương lượng. Không lưu.",
        "The PDF received does not hold the contract that was negotiated. It is not kept.",
    ),
    "CREDENTIAL_MISSING": (
        "Hãy nêu --pkcs12, hoặc --key cùng --certificate.",
        "Name --pkcs12, or --key together with --certificate.",
    ),
    "CREDENTIAL_UNUSABLE": (
        "Không dùng được {path}: sai mật khẩu, hoặc không có khóa cùng chứng thư.",
        "{path} cannot be used: a wrong password, or no key with its certificate.",
    ),
    "CERTIFICATE_WAITS": (
        "Chứng thư của {subject} không ghi mã số thuế của tổ chức; đơn vị vận hành phải xác nhận thì mới ký được.",
        "The certificate of {subject} does not state your tax code; the operator must confirm it before it can sign.",
    ),
    "CERTIFICATE_OF_ANOTHER_KEY": (
        "Chứng thư {subject} không phải của khóa này.",
        "The certificate of {subject} is not this key's.",
    ),
    "CERTIFICATE_NOT_IN_CONTRACT": (
        "Hợp đồng không nêu chứng thư này ({kid}). Hợp đồng nêu: {passes}.",
        "The contract does not name this certificate ({kid}). It names: {passes}.",
    ),
    "PKCS12_PASSWORD": ("Mật khẩu của tệp PKCS#12", "Password of the PKCS#12 file"),
    "STAMP_INCOMPLETE": (
        "Dùng --timestamp và --timestamp-roots cùng nhau.",
        "Use --timestamp and --timestamp-roots together.",
    ),
    "STAMP_MISSING": (
        "Không lấy được dấu thời gian từ {url}: {reason}",
        "No time-stamp could be had from {url}: {reason}",
    ),
    "PAPER_SIGNED": (
        "{path}: chữ ký {form} của {subject} ({alg}) trên hợp đồng {id}.",
        "{path}: {form} signature by {subject} ({alg}) over the contract {id}.",
    ),
    "PAPER_HANDED_IN": (
        "Đã nộp {path} làm chữ ký của hợp đồng {id}.",
        "Handed in {path} as a signature of the contract {id}.",
    ),
}
