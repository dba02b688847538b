"""Good values to start from; each test changes the one thing it is about."""

from __future__ import annotations

import json
import os
import unicodedata
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from contracts import document, signature
from contracts.problems import NEEDED_BY_LICENCE, ONWARD_BY_LICENCE, problems
from contracts.terms import ANSWERS_ONLY, FORUMS, LICENCES, ONWARD_TRANSFERS, VAT, Terms

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DIGEST = "sha-256:" + "A" * 43
PROVIDER_KEY = signature.generate()
CONSUMER_KEY = signature.generate("ES256")
STRANGER_KEY = signature.generate()


def kid(key: signature.PrivateKey) -> str:
    return signature.thumbprint(signature.public_jwk(key))


def make_terms(**changes: Any) -> Terms:
    fields: dict[str, Any] = {
        "licence": "L3",
        "purpose": "Dự báo chuyến bay trễ",
        "scenario": "Mô hình nội bộ cho kho hàng không",
        "territory": ("VN",),
        "starts": date(2026, 12, 1),
        "ends": date(2027, 11, 30),
        "exclusive": False,
        "onward_transfer": "none",
        "ip_limits": "Không được đăng ký bản quyền trên dữ liệu",
        "price_vnd": 5_000_000,
        "max_deliveries": 3,
    }
    return Terms(**{**fields, **changes})


def provider(**changes: Any) -> document.Party:
    return document.Party(
        **{
            "role": "provider",
            "org_id": "org-1",
            "name": "Công ty Hàng Không A",
            "tax_code": "0312345678",
            "keys": (kid(PROVIDER_KEY),),
            **changes,
        }
    )


def consumer(**changes: Any) -> document.Party:
    return document.Party(
        **{
            "role": "consumer",
            "org_id": "org-2",
            "name": "Công ty Kho Vận B",
            "tax_code": "",
            "keys": (kid(CONSUMER_KEY),),
            **changes,
        }
    )


def asset(**changes: Any) -> document.AssetRef:
    return document.AssetRef(
        **{
            "listing_id": "l-1",
            "version": 2,
            "sha256": DIGEST,
            "schema_sha256": DIGEST,
            "name": "flights.parquet",
            "rows": 336_776,
            **changes,
        }
    )


def make_contract(**changes: Any) -> document.Contract:
    return document.build(
        **{
            "id": "c-1",
            "created": NOW,
            "nonce": b"0123456789abcdef",
            "parties": (provider(), consumer()),
            "assets": (asset(),),
            "terms": make_terms(),
            "trial": document.TrialRef("01/GCN-TN", "2026-1"),
            "log": document.LogHead("log.example/2026", 7, "A" * 43 + "="),
            **changes,
        }
    )


@cache
def vectors(path: str) -> Any:
    """Published test vectors, kept beside the project."""
    file = Path(__file__).resolve().parents[2] / "../shared/specdata/tlog" / path
    if not file.exists():
        if os.environ.get("CI"):
            pytest.fail(f"test vectors missing: {path}")
        pytest.skip("the shared folder with test vectors is not beside the project")
    return json.loads(file.read_text(encoding="utf-8"))


_words = st.text(st.characters(codec="utf-8"), max_size=40)
_caps = st.none() | st.integers(-5, 2**40)

# Any terms at all, agreeable or not.
any_terms = st.builds(
    Terms,
    licence=st.sampled_from(LICENCES),
    purpose=_words,
    scenario=_words,
    territory=st.lists(_words, max_size=4).map(tuple),
    starts=st.dates(),
    ends=st.dates(),
    exclusive=st.booleans(),
    onward_transfer=st.sampled_from(ONWARD_TRANSFERS),
    ip_limits=_words,
    price_vnd=st.integers(-(2**50), 2**50),
    max_deliveries=_caps,
    max_queries=_caps,
    min_group=_caps,
    attribution=st.booleans(),
    vat=st.sampled_from(VAT),
    payment_days=_caps,
    royalty_percent=_caps,
    report_days=_caps,
    update_days=_caps,
    max_hours=_caps,
    acceptance_days=_caps,
    personal_data=_words,
    personal_basis=_words,
    audit_days=_caps,
    incident_hours=_caps,
    deletion_days=st.integers(-5, 2**40),
    liability_cap_vnd=_caps,
    penalty_percent=_caps,
    dispute_forum=st.sampled_from(FORUMS),
)

_limits = st.none() | st.integers(2, 60)
_wishes = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=40)
_codes = st.lists(st.sampled_from(("VN", "VN-SG", "VN-HN", "VN-DN", "VN-26")), min_size=1, max_size=4, unique=True)


@st.composite
def agreeable_terms(draw: st.DrawFn) -> Terms:
    """Terms in which nothing may be refused: those that can become a contract."""
    licence = draw(st.sampled_from(LICENCES))
    raw, open_data = licence not in ANSWERS_ONLY, licence == "L0"
    needed = {name: draw(st.integers(2, 60)) for name in NEEDED_BY_LICENCE.get(licence, ())}
    onward = draw(st.sampled_from(ONWARD_BY_LICENCE[licence]))
    personal = onward != "allowed" and draw(st.booleans())
    price = 0 if open_data or personal else draw(st.integers(1, 10**9))
    starts = draw(st.dates(date(2026, 11, 22), date(2027, 12, 31)))
    terms = Terms(
        licence=licence,
        purpose=draw(_wishes.filter(_is_plain)),
        scenario=draw(_wishes.filter(_is_plain)),
        territory=tuple(draw(_codes)),
        starts=starts,
        ends=draw(st.dates(starts, starts + timedelta(days=360))),
        exclusive=licence == "L6",
        onward_transfer=onward,
        ip_limits=draw(_wishes.filter(_is_plain)),
        price_vnd=price,
        max_deliveries=draw(_limits) if raw else None,
        **{**{"max_queries": draw(_limits), "min_group": draw(_limits)}, **needed},
        attribution=open_data or draw(st.booleans()),
        vat=draw(st.sampled_from(VAT)) if price else "excluded",
        payment_days=draw(_limits) if price else None,
        royalty_percent=draw(_limits) if licence in ("L4", "L5", "L6") and not personal else None,
        report_days=draw(_limits) if licence in ("L5", "L6") else None,
        update_days=draw(_limits),
        acceptance_days=draw(_limits) if raw else None,
        personal_data=draw(_wishes.filter(_is_plain)) if personal else "",
        personal_basis=draw(_wishes.filter(_is_plain)) if personal else "",
        audit_days=draw(_limits),
        incident_hours=draw(_limits),
        deletion_days=30 if open_data else draw(st.integers(1, 90)),
        liability_cap_vnd=draw(st.none() | st.integers(1, 10**9)),
        penalty_percent=draw(st.none() | st.integers(1, 8)) if price else None,
        dispute_forum=draw(st.sampled_from(FORUMS)),
    )
    assert problems(terms, NOW) == []
    return terms


def _is_plain(text: str) -> bool:
    return bool(text.strip()) and unicodedata.is_normalized("NFC", text)
