"""A pooled connection to PostgreSQL that has ended is replaced before anybody is given it."""

import os
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text

from exchange import postgresql
from exchange.db import Database
from tests.exchange.ledger.house import administrator


class Relay:
    """A way to the server that forgets connections, as a firewall does: both ends believe in theirs until they speak,
    and who speaks is told that there is no connection."""

    def __init__(self, server: str) -> None:
        self._server, self._listener = server, socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._forgotten = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        """Every connection that there is now; the next one is remembered."""
        self._forgotten.set()
        self._forgotten = threading.Event()

    def close(self) -> None:
        """No more of them."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, target, self._forgotten), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, forgotten: threading.Event) -> None:
        while data := source.recv(65536):
            if forgotten.is_set():
                source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes by a reset
                source.close()
                return
            target.sendall(data)


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """A server's address."""
    return str(request.getfixturevalue("postgresql_server"))


@pytest.fixture
def relay(url: str) -> Iterator[Relay]:
    """A way to that server."""
    made = Relay(os.path.join(make_url(url).query["host"], ".s.PGSQL.5432"))
    yield made
    made.close()


def backend(database: Database) -> int:
    """The server's process behind the connection that the pool gives now."""
    with database.reading() as session:
        return int(session.execute(text("SELECT pg_backend_pid()")).scalar_one())


def test_a_connection_that_the_server_has_ended_is_replaced(url: str) -> None:
    database = Database(url, "log.test")
    first = backend(database)
    assert backend(database) == first
    with administrator(url) as admin:
        admin.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": first})
    assert backend(database) != first
    database.dispose()


def test_a_connection_that_was_forgotten_on_the_way_is_replaced_once_it_has_rested(url: str, relay: Relay) -> None:
    parsed = make_url(url)
    through = parsed.set(host="127.0.0.1", port=relay.port, query={}).render_as_string(hide_password=False)
    database = Database(through, "log.test")
    first = backend(database)
    relay.forget()
    time.sleep(postgresql.PAUSE + 0.1)
    assert backend(database) != first
    database.dispose()


def test_a_connection_that_rests_and_lives_is_kept(url: str) -> None:
    database = Database(url, "log.test")
    first = backend(database)
    time.sleep(postgresql.PAUSE + 0.1)
    assert backend(database) == first
    database.dispose()
