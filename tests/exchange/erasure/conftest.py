"""A person with a life on the exchange: a contract signed and ended, questions asked, a key, a note, a reason given."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlmodel import Session, select, update

from exchange.accounts import passwords
from exchange.accounts.models import Membership, SigningKey, User
from exchange.db import Database
from exchange.negotiations import agreements
from exchange.negotiations.models import Contract, Move
from exchange.oversight import evidence, warrants
from exchange.permissions import Actor, Role
from tests.exchange.negotiations.conftest import market, no_csrf  # noqa: F401 - fixtures
from tests.exchange.negotiations.market import Market
from tests.exchange.oversight.conftest import MANDATE
from tests.exchange.people import People
from tests.exchange.trials.conftest import place, ready, shipments  # noqa: F401 - fixtures
from tests.exchange.trials.place import Place

EMAIL, NAME, PASSWORD = "doc.nhat.7731@congty.example.vn", "Trần Thị Độc Nhất", "bốn con mèo xanh lá"
QUESTION = "SELECT hub, COUNT(*) FROM data WHERE customer = 'KH007731' GROUP BY hub"
LABEL, NOTE, REASON = "Khoá riêng của chị Nhất", "Gọi chị Nhất 0912007731 nhé", "Hai bên đã thống nhất dừng"
PERSONAL = (EMAIL, NAME, QUESTION, LABEL, NOTE)  # what must be nowhere afterwards; the reason is the organisation's


@dataclass(frozen=True)
class Life:
    """What happened."""

    person: Actor
    contract: Contract
    before: evidence.Bundle
    market: Market
    files: Path

    def in_database(self, model: type, **where: object) -> list[object]:
        """Rows as they stand."""
        with self.market.database.reading() as session:
            return list(session.exec(select(model).filter_by(**where)))


@pytest.fixture
def life(market: Market, ready: Place, people: People, database: Database, tmp_path: Path) -> Life:  # noqa: F811
    """The buyer's owner, under a name of her own, and everything that she left behind."""
    person = replace(market.buyer, name=NAME)
    with database.writing() as session:
        user = session.get_one(User, person.user_id)
        user.email, user.full_name, user.password_hash = EMAIL, NAME, passwords.hash_password(PASSWORD)
        session.exec(update(SigningKey).where(SigningKey.user_id == user.id).values(label=LABEL))
        session.commit()
    market.buyer = ready.buyer = person
    room = ready.room()
    assert ready.ask(room, QUESTION).verdict == "deny"
    assert ready.ask(room, "SELECT hub, COUNT(*) FROM data GROUP BY hub").verdict != "deny"
    market.publish()
    contract = market.active()
    with database.writing() as session:
        session.exec(update(Move).where(Move.user_id == person.user_id).values(note=NOTE))
        session.commit()
    market.do(lambda session, now: warrants.open_warrant(session, people.regulator(), MANDATE, now))
    with database.reading() as session:
        before = evidence.bundle_of(session, contract.id, reader=people.regulator())
    market.do(agreements.end_contract, person, contract.id, "agreed", REASON)
    return Life(person, contract, before, market, tmp_path)


@pytest.fixture
def colleague(life: Life, database: Database) -> str:
    """A second owner of the person's organisation; her id."""
    with database.writing() as session:
        user = User(email="dong.nghiep@congty.example.vn", full_name="Lê Đồng Nghiệp", password_hash="!",
                    created_at=life.market.now)  # fmt: skip
        session.add(user)
        session.flush()
        session.add(Membership(user_id=user.id, org_id=life.person.org_id, role=Role.OWNER))
        session.commit()
        return user.id


@pytest.fixture
def opened(database: Database) -> Session:
    """A reading session."""
    with database.reading() as session:
        yield session
