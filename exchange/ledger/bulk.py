"""Many rows at once, by the driver's fastest way: records come by the thousand, and while they are written nobody else
writes. PostgreSQL takes them by COPY, SQLite by one prepared statement.
"""

import json
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


def look_up(session: Session, table: str, key: str, value: str, keys: Sequence[str]) -> dict[str, Any]:
    """``value`` by ``key`` of the rows that have one of these texts as their key.

    The keys travel as one parameter: the statement stays the same however many there are, and an index finds each row.
    """
    connection = session.connection()
    among, listed = _among(connection, keys)
    rows = connection.exec_driver_sql(f"SELECT {key}, {value} FROM {table} WHERE {key} {among}", (listed,))  # noqa: S608
    return {row[0]: row[1] for row in rows}


def delete(session: Session, table: str, key: str, keys: Sequence[int]) -> None:
    """Take away the rows that have one of these numbers as their key."""
    connection = session.connection()
    among, listed = _among(connection, keys)
    connection.exec_driver_sql(f"DELETE FROM {table} WHERE {key} {among}", (listed,))  # noqa: S608


def _among(connection: Connection, keys: Sequence[str] | Sequence[int]) -> tuple[str, object]:
    """The condition, and the keys as its one parameter."""
    if connection.dialect.name == "postgresql":
        return "= ANY(%s)", list(keys)
    return "IN (SELECT value FROM json_each(?))", json.dumps(keys)


def _tuples(rows: Iterable[Sequence[object]]) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows]


def _driver(connection: Connection) -> "Driver[Any]":
    driver = connection.connection.driver_connection
    assert isinstance(driver, Driver)  # noqa: S101 - for the type checker
    return driver
