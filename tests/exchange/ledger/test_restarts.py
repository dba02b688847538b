"""PostgreSQL goes away under a running exchange: it is refused plainly meanwhile, and recovers by itself."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from exchange.migrations import upgrade
from tests.exchange.ledger.crash import Server
from tests.exchange.ledger.crash_parts import Place
from tests.exchange.ledger.house import House, administrator

WELL = {"database": "ok", "store": "ok", "log": "ok", "notices": "ok"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL that nobody else uses, with the tables."""
    folder = Path(tempfile.mkdtemp(prefix="minhbach-restart-"))
    found = Server(folder / "pg")
    upgrade(found.url)
    yield found
    found.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def house(server: Server, tmp_path: Path) -> Iterator[House]:
    """An exchange whose sequencer runs in its thread, on an empty log."""
    name = f"house_{abs(hash(tmp_path)) % 10**9}"
    with administrator(server.url.replace("/postgres?", "/template1?")) as admin:
        admin.execute(text(f"CREATE DATABASE {name} TEMPLATE postgres"))
    place = Place(tmp_path, server.url.replace("/postgres?", f"/{name}?"))
    place.second.parent.mkdir()
    found = House(place.config)
    found.sequencer.start()
    found.joined(2)
    wait_for(found, 2)
    yield found
    found.sequencer.stop()
    found.database.dispose()


def wait_for(house: House, size: int) -> None:
    """Until strangers see a head of this size and the log says that it is well."""
    deadline = time.monotonic() + 30
    while (house.head(), house.ready()) != (size, WELL):
        assert time.monotonic() < deadline, (house.head(), house.ready())
        time.sleep(0.05)


def terminate_every_connection(server: Server) -> None:
    """As an administrator or a proxy does."""
    with administrator(server.url) as admin:
        admin.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'house%'"))


@pytest.mark.parametrize("trouble", [Server.crash, Server.kill_backend, terminate_every_connection])
def test_the_running_sequencer_recovers_by_itself(
    server: Server, house: House, trouble: Callable[[Server], None]
) -> None:
    for size in (3, 4):
        trouble(server)
        house.joined()
        wait_for(house, size)
    assert house.actions() == 4


def test_while_the_server_is_away_actions_are_refused_and_afterwards_all_is_as_before(
    server: Server, house: House
) -> None:
    server.pause()
    try:
        answer = house.join("en")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "The exchange cannot record actions now" in answer.text
        assert house.ready() == WELL | {"database": "failing", "log": "failing"}
        assert house.app.test_client().get("/healthz").status_code == 200
        assert house.app.test_client().get("/log/checkpoint").status_code == 503
    finally:
        server.resume()
    wait_for(house, 2)
    house.joined()
    wait_for(house, 3)
    assert house.actions() == 3
