"""A seller's draft that lacks nothing, a file, and a market with a published listing."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, func, select

from exchange.catalogue import moderation, service
from exchange.catalogue.models import Asset, Listing, ListingVersion
from exchange.catalogue.profile import Profile
from exchange.db import Database
from exchange.store import Store
from tests.exchange.people import People

CSV = "mã,tên,số_lượng,ngày\n01,Đà Nẵng,12,2026-01-02\n02,Huế,,2026-01-03\n03,Cần Thơ,7,2026-01-04\n".encode()

COMPLETE: dict[str, Any] = {
    "name": "Lưu lượng hàng hoá qua cảng",
    "name_en": "Cargo through the ports",
    "summary": "Số tấn hàng qua từng cảng theo ngày",
    "purpose": "Lập kế hoạch vận tải",
    "scope": "Thành phố Hồ Chí Minh, 2026",
    "content": "Mỗi dòng là một cảng trong một ngày",
    "collection_mechanism": "Đếm tại cổng cảng",
    "update_mechanism": "Xuất từ hệ thống cảng",
    "update_cycle": "monthly",
    "source": "Hệ thống quản lý cảng của công ty",
    "items": [{"name": "Tên cảng", "access": "open"}, {"name": "Số tấn", "access": "shared"}],
    "sector": "logistics",
    "classification": "TC",
    "personal_statement": "Không có dữ liệu về người",
    "quality_statement": "Đủ 99 % số ngày",
    "limitations": "Không gồm hàng quá cảnh",
    "provenance": "Tự thu thập từ 2024",
    "right_basis": "Dữ liệu do công ty tạo ra",
    "rights": {"R1": "Hồ sơ hệ thống số 12/2024", "R4": "Quyết định của giám đốc số 3/2025"},
    "licence": "L3",
    "term_months": 12,
    "permitted_purpose": "Phân tích nội bộ",
    "territory": ["VN"],
    "exclusive": False,
    "onward_transfer": "none",
    "ip_limits": "Không",
    "price_vnd": 12_500_000,
}

PROFILE = Profile(
    format="csv",
    rows=3,
    columns=[{"name": "mã", "type": "VARCHAR", "nulls": 0, "distinct": 3, "min": "01", "max": "03"}],
    preview=[["01"], ["02"], ["03"]],
    personal_hits=[],
    duplicate_rows=0,
)


@pytest.fixture
def no_csrf(app: Flask) -> None:
    """Forms without their token; that the token is demanded is tested by itself."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def draft(session: Session, people: People, now: datetime, app: Flask, tmp_path: Path) -> Callable[..., Listing]:
    """Makes complete drafts (committed), each with a stored file; keywords replace fields, None empties one."""
    seller = people.provider()  # before any write: SQLite has one writer

    def make(profile: Profile = PROFILE, **fields: Any) -> Listing:
        listing = service.start_draft(session, seller, {**COMPLETE, **fields}, now)
        path = tmp_path / "data.csv"
        path.write_bytes(CSV)
        key = f"assets/{listing.id}"
        app.extensions["minhbach.store"].put_file(path, key)
        service.attach_file(
            session, seller, listing.id, file_name="data.csv", file_key=key, size=len(CSV),
            sha256="ab" * 32, profile=profile, now=now,
        )  # fmt: skip
        session.commit()
        return listing

    return make


@pytest.fixture
def on_show(draft: Callable[..., Listing], session: Session, people: People, now: datetime) -> Callable[..., Listing]:
    """Makes published listings."""

    operator = people.operator()  # before any write: SQLite has one writer

    def make(**fields: Any) -> Listing:
        listing = draft(**fields)
        service.submit(session, people.provider(), listing.id, now)
        moderation.approve(session, operator, listing.id, personal_data_checked=True, now=now)
        session.commit()
        return listing

    return make


class Things:
    """Counts everything an upload could leave behind."""

    def __init__(self, app: Flask, database: Database) -> None:
        self.app, self.database = app, database

    def count(self) -> dict[str, int]:
        """Rows of the three tables, stored files, files on their way."""
        store: Store = self.app.extensions["minhbach.store"]
        with self.database.reading() as session:
            rows = {
                model.__tablename__: session.exec(select(func.count()).select_from(model)).one()
                for model in (Listing, ListingVersion, Asset)
            }
        incoming = self.app.extensions["minhbach.config"].home / "incoming"
        return {**rows, "stored": len(store.keys()), "incoming": len(list(incoming.glob("*")))}  # type: ignore[dict-item]


@pytest.fixture
def things(app: Flask, database: Database) -> Things:
    """What an upload could leave behind."""
    return Things(app, database)
