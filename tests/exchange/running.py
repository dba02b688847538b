"""A real exchange on a loopback port, and members who use the real ``minhbach`` command against it."""

import json
import os
import re
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import make_server

from exchange import clock
from exchange.cli import main
from exchange.oauth import service
from exchange.permissions import Actor
from tests.exchange.people import People


class Running:
    """The application behind a real socket. ``with Running(...)``: it answers until the end of the block."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(64)
        self.port = int(self._socket.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self, app: Flask) -> None:
        """Answer in threads."""
        self._server = make_server("127.0.0.1", self.port, app, threaded=True, fd=self._socket.fileno())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._socket.close()


@dataclass
class Member:
    """Somebody at a terminal: a folder, a client file, a key file."""

    people: People
    actor: Actor
    address: str
    folder: Path
    scopes: tuple[str, ...] = ("catalogue", "negotiate", "sign", "deliver", "query")
    env: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.register("machine")
        self.env = {
            "MINHBACH_SERVER": self.address, "MINHBACH_CLIENT": str(self.folder / "machine.json"),
            "LANG": "en_US.UTF-8", "LC_ALL": None, "LC_MESSAGES": None,
        }  # fmt: skip

    def register(self, flow: str) -> Path:
        """A program of this organisation, in a client file as the documents describe it."""
        facts: dict[str, Any] = {"roles": ["owner"]} if flow == "machine" else {}
        if flow == "person":
            facts["redirect_uris"] = ["http://127.0.0.1/callback"]
        with self.people.database.writing() as session:
            row, secret = service.create_client(
                session, self.actor, name="Terminal", flow=flow, scopes=self.scopes, now=clock.now(), **facts
            )
            session.commit()
        path = self.folder / f"{flow}.json"
        path.write_text(json.dumps({"client_id": row.id, "client_secret": secret, "flow": flow}))
        path.chmod(0o600)
        return path

    def file(self, name: str, content: Any) -> Path:
        """A file in this member's folder."""
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def run(self, *words: object, input: str | None = None, **env: str | None) -> Result:
        """``minhbach`` with these words; ``input`` is what is typed."""
        words_ = [str(word) for word in words]
        return CliRunner().invoke(main, words_, input=input, env={**os.environ, **self.env, **env})

    def does(self, *words: object, **env: str | None) -> str:
        """The same, and it must succeed; what was printed."""
        result = self.run(*words, **env)
        assert result.exit_code == 0, result.output + repr(result.exception)
        return result.output


def named(label: str, text: str) -> str:
    """The identifier printed after a label."""
    found = re.search(rf"{label}:? ([0-9a-z]{{26}})", text)
    assert found is not None, text
    return found[1]
