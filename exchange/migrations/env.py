"""Alembic's entry point: the URL comes from exchange.migrations, the tables from exchange.models.

On SQLite a changed table is made anew and its old self dropped, which foreign keys would refuse: they are off while the
tables change and checked before the commit.
"""

from alembic import context
from sqlalchemy import event
from sqlmodel import SQLModel

import exchange.models  # noqa: F401 - registers every table
from exchange.db import Database

database = Database(context.config.attributes["url"], log_origin="")
if database.is_sqlite:
    event.listen(database.engine, "connect", lambda raw, _record: raw.execute("PRAGMA foreign_keys=OFF").close())
with database.writing().connection() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=database.is_sqlite)
    with context.begin_transaction():
        context.run_migrations()
    if database.is_sqlite:
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if dangling:
            raise RuntimeError(f"rows refer to nothing: {dangling[:5]}")
    connection.commit()
database.dispose()
