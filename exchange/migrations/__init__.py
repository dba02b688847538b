"""Schema migrations (Alembic), run by ``minhbach db upgrade`` and by the tests."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import make_url

HERE = Path(__file__).parent


def alembic_config(url: str) -> AlembicConfig:
    """Alembic's settings for the database at ``url``; there is no alembic.ini."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(HERE))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Bring the database at ``url`` to the newest migration. Each migration is one transaction."""
    parsed = make_url(url)
    if parsed.drivername.startswith("sqlite") and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(alembic_config(url), "head")
