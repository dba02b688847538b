"""Generated rows for benchmarks: organisations, people, files, listings.

The texts are Vietnamese words in random order; nothing here is real, and nothing of it is ever shown to anybody.
"""

from datetime import datetime
from random import Random
from typing import Any

from sqlmodel import Session

from exchange.accounts.models import Membership, Organisation, User
from exchange.catalogue.models import Asset
from exchange.catalogue.search import fold
from exchange.catalogue.vocabulary import SECTORS
from exchange.db import new_id
from exchange.permissions import Actor, OrgKind, Role

WORDS = [
    "dữ", "liệu", "vận", "tải", "đường", "biển", "cảng", "hàng", "hoá", "container", "kho", "bãi", "xuất", "khẩu",
    "nhập", "giá", "gạo", "cà", "phê", "hồ", "tiêu", "điều", "thuỷ", "sản", "tôm", "cá", "tra", "lượng", "mùa", "vụ",
    "thời", "tiết", "mưa", "nhiệt", "độ", "ẩm", "trạm", "quan", "trắc", "nhà", "máy", "dệt", "may", "da", "giày",
    "điện", "tử", "linh", "kiện", "năng", "suất", "ca", "làm", "việc", "bảo", "trì", "khách", "sạn", "lượt", "đặt",
    "phòng", "tuyến", "bay", "chuyến", "tàu", "hoả", "xe", "buýt", "bán", "lẻ", "siêu", "thị", "doanh", "thu", "đơn",
    "mặt", "chuỗi", "cung", "ứng", "kiểm", "kê", "vị", "phân", "phối", "tỉnh", "thành", "phố", "quận", "huyện",
    "phường", "xã", "theo", "ngày", "tháng", "quý", "thống", "chỉ", "số", "dự", "báo", "mẫu", "khảo", "sát", "bản",
    "đồ", "toạ",
]  # fmt: skip
LICENCES = ("L1", "L3", "L4", "L5")


def organisation(session: Session, name: str, number: int, now: datetime) -> Actor:
    """An organisation that may trade, and its owner."""
    org = Organisation(
        name=name, tax_code=f"{number:010d}", kind=OrgKind.MEMBER, assurance_level=2, payment_account=True,
        created_at=now,
    )  # fmt: skip
    user = User(email=f"{number}@bench.invalid", full_name=name, password_hash="!", created_at=now)  # noqa: S106
    session.add_all([org, user])
    session.flush()
    session.add(Membership(user_id=user.id, org_id=org.id, role=Role.OWNER))
    return Actor(user.id, org.id, OrgKind.MEMBER, frozenset({Role.OWNER}))


def asset(session: Session, org_id: str, now: datetime) -> Asset:
    """A file's row; there is no file behind it."""
    made = Asset(
        org_id=org_id, file_key=f"assets/{new_id()}", file_name="bench.parquet", format="parquet", bytes=1_000,
        sha256="ab" * 32, rows=1_000, columns=[{"name": "n", "type": "BIGINT"}], preview=[["1"]], personal_hits=[],
        created_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def version(random: Random, number: int, listing_id: str, file: Asset, now: datetime) -> dict[str, Any]:
    """The columns of a published version. Its name holds one word that no other listing has: ``mã<number>``."""
    name = f"{_words(random, 6)} mã{number}".capitalize()
    summary, content, scope = _words(random, 12), _words(random, 40), _words(random, 8)
    plain = dict.fromkeys(
        ("purpose", "collection_mechanism", "update_mechanism", "source", "personal_statement", "quality_statement",
         "limitations", "provenance", "right_basis", "permitted_purpose", "ip_limits"), "Không",
    )  # fmt: skip
    return {
        **plain, "id": new_id(), "listing_id": listing_id, "org_id": file.org_id, "asset_id": file.id, "number": 1,
        "name": name, "summary": summary, "content": content, "scope": scope, "update_cycle": "monthly",
        "items": [{"name": "n", "access": "shared"}], "sector": random.choice(list(SECTORS)), "classification": "TC",
        "rights": {"R4": "-"}, "licence": random.choice(LICENCES), "term_months": 12, "territory": ["VN"],
        "exclusive": False, "onward_transfer": "none", "attribution": False,
        "price_vnd": random.randrange(0, 50) * 1_000_000, "search_text": fold(f"{name} {summary} {content} {scope}"),
        "digest": "sha-256:" + "A" * 43, "submitted_at": now, "position": number,
    }  # fmt: skip


def _words(random: Random, count: int) -> str:
    return " ".join(random.choices(WORDS, k=count))
