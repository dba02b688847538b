"""Accounts made by the use cases themselves, with real passwords."""

from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask

from exchange.accounts import service
from exchange.accounts.models import Organisation, User
from exchange.db import Database
from exchange.permissions import OrgKind
from tests.exchange.people import tax_code

PASSWORD = "ba con mèo xanh"


@pytest.fixture
def no_csrf(app: Flask) -> None:
    """Forms without their token; that the token is asked for is tested once per form in test_forms_ask_for_csrf."""
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def an_account(database: Database, now: datetime) -> Callable[..., tuple[Organisation, User]]:
    """``an_account("lan@a.vn")``: an organisation and its owner, whose password is PASSWORD."""
    made = 0

    def make(email: str, *, kind: OrgKind = OrgKind.MEMBER, name: str = "Công ty A") -> tuple[Organisation, User]:
        nonlocal made
        made += 1
        with database.writing() as session:
            org = service.register_organisation(
                session, name=name, tax_code=tax_code(5000 + made), kind=kind, stated_level=2,
                stated_payment_account=True, confirmed=True, now=now,
            )  # fmt: skip
            user = service.add_user(
                session, org, email=email, full_name="Trần Thị Lan", password=PASSWORD, roles=["owner"], now=now
            )
            session.commit()
        return org, user

    return make
