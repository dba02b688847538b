"""The command that makes the first operator and the regulator."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from exchange.accounts.cli import join
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import service as ledger
from exchange.migrations import upgrade
from tests.exchange.people import tax_code

WORDS = ["--name", "Sàn dữ liệu thử", "--email", "chu@san.example.vn", "--full-name", "Phạm Thị Chủ"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = {"MINHBACH_HOME": str(tmp_path)}
    upgrade(Config.from_environ(home).database_url)
    return home


def test_an_operator_is_made_once_and_recorded(environment: dict[str, str]) -> None:
    arguments = ["--kind", "operator", "--tax-code", tax_code(77), "--password", "bốn con mèo xanh", *WORDS]
    first = CliRunner().invoke(join, arguments, env=environment)
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(join, arguments, env=environment)
    assert again.exit_code == 1
    assert "TAX_CODE_TAKEN" in again.output
    config = Config.from_environ(environment)
    database = Database(config.database_url, config.log_origin)
    with database.reading() as session:
        (record,) = ledger.find(session, ledger.Search())
        assert record.leaf.type == "account.registered"
    database.dispose()


def test_a_weak_password_makes_nothing(environment: dict[str, str]) -> None:
    arguments = ["--kind", "regulator", "--tax-code", tax_code(78), "--password", "12345", *WORDS]
    refused = CliRunner().invoke(join, arguments, env=environment)
    assert refused.exit_code == 1
    assert "PASSWORD" in refused.output
    config = Config.from_environ(environment)
    database = Database(config.database_url, config.log_origin)
    with database.reading() as session:
        assert ledger.head(session) is None
    database.dispose()
