"""The migrations make exactly the tables that the code declares, on both databases, and can be run twice."""

from pathlib import Path

from alembic import command
from sqlalchemy import inspect
from sqlmodel import SQLModel

import exchange.models  # noqa: F401 - registers every table
from exchange.db import Database
from exchange.migrations import alembic_config, upgrade


def test_migrations_and_models_agree(database_url: str) -> None:
    command.check(alembic_config(database_url))


def test_running_them_again_changes_nothing(database_url: str) -> None:
    upgrade(database_url)


def test_every_table_and_foreign_key_is_there(database_url: str) -> None:
    database = Database(database_url, "log.test")
    found = inspect(database.engine)
    for name, table in SQLModel.metadata.tables.items():
        declared = {tuple(column.name for column in key.columns) for key in table.foreign_key_constraints}
        assert {tuple(key["constrained_columns"]) for key in found.get_foreign_keys(name)} == declared, name
    database.dispose()


def test_going_back_leaves_nothing(database_url: str) -> None:
    command.downgrade(alembic_config(database_url), "base")
    database = Database(database_url, "log.test")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    database.dispose()


def test_a_new_sqlite_file_and_its_folder_are_made(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/new/folder/exchange.sqlite")
