"""Commands of the shell sign no more than the server would: not even as the first thing after a backup was put back."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlmodel import select

from contracts.log import witness
from exchange import clock
from exchange.cli import main
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import service
from exchange.ledger.models import Outbox
from tests.exchange.ledger.test_witnesses import Place, Record, grow, lost_head, place  # noqa: F401 - fixtures
from tests.exchange.people import tax_code

JOIN = ["join", "--kind", "regulator", "--name", "Thanh tra", "--tax-code", tax_code(7), "--email", "tt@example.vn",
        "--full-name", "Lê Thị Tra", "--password", "ba con mèo xanh"]  # fmt: skip


def environ(config: Config, policy: Path) -> dict[str, str]:
    return {
        "MINHBACH_HOME": str(config.home), "MINHBACH_DATABASE_URL": config.database_url,
        "MINHBACH_LOG_ORIGIN": config.log_origin, "MINHBACH_WITNESS_POLICY": str(policy),
    }  # fmt: skip


@pytest.mark.parametrize("words", [JOIN, ["log", "rotate-key"]])
def test_a_command_asks_the_witnesses_before_anything_is_signed(
    place: Place,  # noqa: F811
    database: Database,
    config: Config,
    words: list[str],
) -> None:
    """Database and home folder were put back together: only the witness still knows of five records."""
    book = place.add("regulator")
    book.cosign(witness.format_request(0, (), lost_head(config, 5)).encode(), int(clock.now().timestamp()))
    done = CliRunner().invoke(main, words, env=environ(config, place.policy()))
    assert done.exit_code == 1
    assert "witnessed_head promises 5 records" in done.output
    with database.reading() as session:
        newest = service.head(session)
        assert newest is not None
        assert newest.size == 2
        assert session.exec(select(Outbox)).all(), "what the command did is recorded, and waits"


def test_with_witnesses_that_agree_or_are_away_a_command_goes_on(
    place: Place,  # noqa: F811
    database: Database,
    config: Config,
) -> None:
    place.add("regulator")
    place.down("away")
    done = CliRunner().invoke(main, JOIN, env=environ(config, place.policy()))
    assert done.exit_code == 0, done.output
    with database.reading() as session:
        newest = service.head(session)
        assert newest is not None
        assert newest.size == 3
