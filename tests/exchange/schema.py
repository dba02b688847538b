"""How tests make an empty exchange's tables: by the same migrations as everybody."""

from exchange.db import Database
from exchange.migrations import upgrade


def create_schema(database: Database) -> None:
    """All tables of all nouns."""
    upgrade(database.url)
