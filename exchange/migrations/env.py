"""Alembic's entry point: the URL comes from exchange.migrations, the tables from exchange.models."""

from alembic import context
from sqlmodel import SQLModel

import exchange.models  # noqa: F401 - registers every table
from exchange.db import Database

database = Database(context.config.attributes["url"], log_origin="")
with database.writing().connection() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=database.is_sqlite)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
database.dispose()
