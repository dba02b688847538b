"""The evidence of one contract says when it was made at the latest: in the words of an outside authority."""

import dataclasses
import io
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient

from contracts import evidence, verify
from contracts.log import timestamp
from exchange import audit, clock
from exchange.config import Config
from exchange.ledger.timestamps import TimeStamps
from exchange.negotiations.models import Contract
from tests.exchange.deliveries.goods import Goods
from tests.tsa import Authority, Service, serving


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "good")


@pytest.fixture
def tsa(authority: Authority) -> Iterator[Service]:
    with serving(authority) as service:
        yield service


def hour(goods: Goods, stamping: TimeStamps, at: datetime) -> None:
    """Something else happens at the market, and the hour before is stamped."""
    with clock.frozen(at):
        goods.do(lambda session, _now: audit.record(session, "policy.changed", None, on=["policy:x"], now=at))
        goods.sequencer.run_once()
        assert stamping.run_once() == 1


def test_a_contracts_evidence_holds_the_stamps_that_its_steps_lie_under(
    official: FlaskClient, goods: Goods, case: Contract, config: Config, now: datetime, authority: Authority,
    tsa: Service,
) -> None:  # fmt: skip
    stamping = TimeStamps(goods.database, dataclasses.replace(config, tsa_url=tsa.url, tsa_roots=authority.roots))
    for hours in (1, 2, 3):
        hour(goods, stamping, now + timedelta(hours=hours))
    data = official.get(f"/oversight/contracts/{case.id}/evidence.zip").data
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        stamped = [int(name[11:-4]) for name in opened.namelist() if name.startswith("timestamps/")]
        last_step = max(int(name[8:20]) for name in opened.namelist() if name.startswith("entries/"))
    assert len(stamped) == 2, "the first one over its steps, and the newest; the one between them proves no more"
    assert min(stamped) > last_step
    roots = timestamp.parse_roots(authority.roots.read_bytes())
    report = evidence.check_bytes(data, stamps=lambda token, text: str(timestamp.check(token, text, roots).time))
    assert [line.mark for line in report.lines if line.what == "STAMPS"] == ["ok", "ok"]
    lines = verify.Checker(io.BytesIO(data), None, None, authority.roots).report()
    assert [result for check, result, *_ in lines if check == "STAMPS"] == ["pass", "pass"]
