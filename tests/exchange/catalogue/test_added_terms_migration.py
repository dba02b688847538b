"""Offers made before parties could add anything keep everything they said."""

from alembic import command
from sqlalchemy import text

from exchange.db import Database
from exchange.migrations import alembic_config, upgrade
from tests.exchange.negotiations.test_rounds_migration import old_rows


def test_an_older_offer_adds_nothing_and_survives_the_way_back(database_url: str) -> None:
    config = alembic_config(database_url)
    command.downgrade(config, "0009")
    database = Database(database_url, "log.test")
    with database.writing() as session:
        old_rows(session.connection())
        session.commit()
    upgrade(database_url)
    with database.reading() as session:
        query = text("SELECT name, licence, CAST(added_terms AS VARCHAR(9)) FROM listing_version")
        assert session.connection().execute(query).all() == [("x", "L3", "{}")]
    command.downgrade(config, "0009")
    with database.reading() as session:
        assert session.connection().execute(text("SELECT name, licence FROM listing_version")).all() == [("x", "L3")]
    database.dispose()
