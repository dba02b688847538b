"""Migration 0016 carries the trials, events and participants that are there, and can be taken back."""

from alembic import command
from sqlalchemy import text

from exchange.db import Database
from exchange.migrations import alembic_config

TRIAL = (
    "INSERT INTO trial (id, cert_no, authority, valid_from, valid_to, level, sectors, classes, verbs, territory, "
    "max_members, max_listings, max_tx_vnd, max_total_vnd, notice_version, granted_at, granted_event) VALUES "
    "(:id, :id, 'UBND', '2026-11-01', '2027-10-31', :level, '[]', '[]', '[]', :territory, 1, 1, 1, 1, '1', "
    "'2026-11-01 00:00:00', :id)"
)
ORG = (
    "INSERT INTO organisation (id, name, tax_code, kind, assurance_level, payment_account, stated_level, "
    "stated_payment_account, standing, created_at) VALUES ('org', 'A', '1', 'operator', 2, :yes, 2, :yes, 'active', "
    "'2026-11-01 00:00:00')"
)
EVENT = (
    "INSERT INTO trial_event (id, trial_id, kind, at, reason, org_id, event_id) VALUES ('e', 'city', 'suspended', "
    "'2026-11-02 00:00:00', 'Lý do', 'org', 'ev')"
)
ENROLMENT = (
    "INSERT INTO enrolment (id, trial_id, org_id, notice_version, accepted_at, event_id) VALUES ('p', 'city', 'org', "
    "'1', '2026-11-02 00:00:00', 'pv')"
)


def test_what_is_there_is_carried_forth_and_back(database_url: str) -> None:
    config = alembic_config(database_url)
    command.downgrade(config, "0015")
    database = Database(database_url, "log.test")
    with database.engine.begin() as connection:
        connection.execute(text(ORG), {"yes": True})
        for name, level, territory in (("city", 2, '["VN-SG"]'), ("country", 2, '["VN"]'), ("core", 3, '["VN-SG"]')):
            connection.execute(text(TRIAL), {"id": name, "level": level, "territory": territory})
        connection.execute(text(EVENT))
        connection.execute(text(ENROLMENT))
    command.upgrade(config, "head")
    with database.engine.connect() as connection:
        approvers = dict(connection.execute(text("SELECT id, approver FROM trial")).all())  # type: ignore[arg-type]
        event = connection.execute(text("SELECT code, about, reason FROM trial_event")).one()
        place = connection.execute(text("SELECT vietnamese, ended_at FROM enrolment")).one()
    assert approvers == {"city": "provincial", "country": "ministry", "core": "public_security"}
    assert (tuple(event), tuple(place)) == (("", None, "Lý do"), (None, None))
    command.downgrade(config, "0015")
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM trial_event")).scalar() == 1
    database.dispose()
