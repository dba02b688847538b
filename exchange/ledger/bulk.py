"""Many rows at once, by the driver's fastest way: records come by the thousand, and while they are written nobody else
writes. PostgreSQL takes them by COPY, SQLite by one prepared statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import Connection as Driver
from psycopg.sql import SQL, Identifier
from sqlalchemy import Connection
from sqlmodel import Session


def insert(session: Session, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Add ``rows``, whose values stand in the order of ``columns``. Names come from our own tables, never from outside.

    Raises the database's error (SQLAlchemy's on SQLite, psycopg's on PostgreSQL) and leaves the transaction to fail.
    """
    connection = session.connection()
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), SQL(", ").join(map(Identifier, columns)))
        with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    else:
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", _tuples(rows))  # noqa: S608


def put(session: Session, table: str, key: str, value: str, pairs: Mapping[str, str]) -> None:
    """Set ``value`` for each ``key``, whether its row is there already or not."""
    connection = session.connection()
    if not pairs:
        return
    into, settle = (
        f"INSERT INTO {table} ({key}, {value})",
        f"ON CONFLICT ({key}) DO UPDATE SET {value} = excluded.{value}",
    )
    if connection.dialect.name == "postgresql":
        many = f"{into} SELECT * FROM unnest(%s::text[], %s::text[]) {settle}"  # noqa: S608
        connection.exec_driver_sql(many, (list(pairs), list(pairs.values())))
    else:
        connection.exec_driver_sql(f"{into} VALUES (?, ?) {settle}", _tuples(pairs.items()))


def _tuples(rows: Iterable[Sequence[object]]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def _driver(connection: Connection) -> "Driver[Any]":
    driver = connection.connection.driver_connection
    assert isinstance(driver, Driver)  # noqa: S101 - for the type checker
    return driver
