"""How tests make an empty exchange's tables."""

from sqlmodel import SQLModel

from exchange.db import Database


def create_schema(database: Database) -> None:
    """All tables of all nouns."""
    import exchange.models  # noqa: F401 - importing it registers every table

    SQLModel.metadata.create_all(database.engine)
