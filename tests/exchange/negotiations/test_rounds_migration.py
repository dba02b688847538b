"""Negotiations that ran before there were rounds and reason codes keep their story."""

from alembic import command
from sqlalchemy import Connection, text

from exchange.db import Database
from exchange.migrations import alembic_config, upgrade

OLD = "2026-11-01 00:00:00.000000"


def row(connection: Connection, table: str, **values: object) -> None:
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)


def negotiation(connection: Connection, id: str, state: str, **more: object) -> None:
    row(
        connection, "negotiation", id=id, listing_id="l", version=1, buyer_org_id="b", provider_org_id="s",
        state=state, terms_hash="h", offers=1, purpose="p", scenario="s", deadline=OLD, created_at=OLD,
        updated_at=OLD, **more,
    )  # fmt: skip


def old_rows(connection: Connection) -> None:
    for org, code in (("b", "1"), ("s", "2")):
        row(
            connection, "organisation", id=org, name=org, tax_code=code, kind="member", assurance_level=2,
            payment_account=True, stated_level=2, stated_payment_account=True, standing="active", created_at=OLD,
        )  # fmt: skip
    row(connection, "listing", id="l", org_id="s", state="draft", draft="{}", created_at=OLD, updated_at=OLD)
    row(
        connection, "asset", id="a", org_id="s", file_key="k", file_name="f", format="csv", bytes=1, sha256="a" * 64,
        rows=1, columns="[]", preview="[]", personal_hits="[]", created_at=OLD,
    )  # fmt: skip
    texts = (
        "purpose scope content collection_mechanism update_mechanism source personal_statement quality_statement "
        "limitations provenance right_basis permitted_purpose ip_limits search_text name summary digest"
    )
    row(
        connection, "listing_version", id="v", listing_id="l", org_id="s", asset_id="a", number=1,
        update_cycle="once", items="[]", sector="logistics", classification="TC", rights="{}", licence="L3",
        term_months=1, territory="[]", exclusive=False, onward_transfer="none", attribution=False, price_vnd=0,
        submitted_at=OLD, **dict.fromkeys(texts.split(), "x"),
    )  # fmt: skip
    negotiation(connection, "open", "OFFERED")
    closed = {"terminated_at": OLD, "terminated_reason": "Đổi ý", "terminated_by": "b"}
    negotiation(connection, "closed", "TERMINATED", **closed)
    negotiation(connection, "lapsed", "TERMINATED", terminated_at=OLD, terminated_reason="lapsed")
    row(
        connection, "negotiation_move", id="m", negotiation_id="open", number=1, act="REQUEST", role="CONSUMER",
        org_id="b", terms="{}", terms_hash="h", note="", event_id="e", at=OLD,
    )  # fmt: skip


def told(database: Database) -> dict[str, tuple[object, ...]]:
    with database.reading() as session:
        found = session.connection().execute(
            text("SELECT id, state, requests, offers, terminated_code, terminated_reason FROM negotiation")
        )
        return {row[0]: tuple(row[1:]) for row in found}


def test_old_negotiations_get_a_code_and_their_counts(database_url: str) -> None:
    command.downgrade(alembic_config(database_url), "0009")
    database = Database(database_url, "log.test")
    with database.writing() as session:
        old_rows(session.connection())
        session.commit()
    database.dispose()
    upgrade(database_url)
    assert told(database) == {
        "open": ("OFFERED", 1, 1, None, None),
        "closed": ("TERMINATED", 1, 1, "other", "Đổi ý"),
        "lapsed": ("TERMINATED", 1, 1, "lapsed", ""),
    }
    with database.writing() as session:
        session.connection().execute(text("UPDATE negotiation SET offers = 4 WHERE id = 'open'"))
        session.commit()
    database.dispose()
    command.downgrade(alembic_config(database_url), "0009")
    with database.reading() as session:
        found = session.connection().execute(text("SELECT id, offers, terminated_reason FROM negotiation ORDER BY id"))
        assert [tuple(row) for row in found] == [("closed", 1, "Đổi ý"), ("lapsed", 1, "lapsed"), ("open", 1, None)]
    database.dispose()
