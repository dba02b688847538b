"""The demo market is told once into an empty exchange, with real data, and everything in it can be checked."""

from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlmodel import select

from contracts import document, evidence
from contracts.standing import Standing
from exchange.catalogue.models import Asset, Listing
from exchange.config import Config
from exchange.db import Database
from exchange.demo.story import Story
from exchange.ledger import service as ledger
from exchange.ledger.cli import problems_of
from exchange.negotiations.models import Contract
from exchange.negotiations.standing import standing_of
from exchange.oversight.evidence import bundle_of


@pytest.fixture
def told(app: Flask, config: Config, database: Database) -> Story:
    """The story, told."""
    story = Story(config, database)
    story.tell(lambda step: None)
    return story


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_demo_holds_real_data_and_a_contract_that_a_stranger_can_verify(
    told: Story, database: Database, config: Config, now: datetime, tmp_path: Path
) -> None:
    assert not told.is_needed()
    with database.reading() as session:
        assert sorted(session.exec(select(Asset.rows))) == [3_321, 3_322, 26_115, 336_776]
        assert sorted(str(state) for state in session.exec(select(Listing.state))) == ["published"] * 3 + ["submitted"]
        contract = session.exec(select(Contract)).one()
        assert standing_of(session, contract, now) == Standing.ACTIVE
        trial = document.parse(contract.payload).trial
        assert trial is not None
        assert trial.cert_no == "TRINH-DIEN-01/2026"
        assert problems_of(session) == []
        bundle = tmp_path / "bundle.zip"
        bundle.write_bytes(bundle_of(session, contract.id).data)
        assert evidence.check(bundle, f"log {ledger.vkeys(session)[0]}\nquorum none\n").ok
    for name in ("provider.pem", "buyer.pem", "provider-client.json"):
        assert (config.home / "demo" / name).stat().st_mode & 0o777 == 0o600
