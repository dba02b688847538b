"""Witnesses that really run: the command ``minhbach witness serve`` in processes of its own."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from exchange.witness.book import Book

_OPENER = build_opener(ProxyHandler({}))


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    type: str


def ask(address: str, body: bytes | None = None) -> Answer:
    """GET, or POST of a body; a refusal is an answer too."""
    try:
        with _OPENER.open(Request(address, body), timeout=10) as answer:
            return Answer(answer.status, answer.read().decode(), answer.headers["Content-Type"])
    except HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode(), error.headers["Content-Type"])


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def minhbach(*words: str, **env: str) -> "subprocess.Popen[bytes]":
    """The command in a process of its own."""
    command = [sys.executable, "-c", "from exchange.cli import main; main()", *words]
    return subprocess.Popen(command, env={**os.environ, **env})


def until_it_answers(address: str) -> None:
    """Wait for a server that starts."""
    deadline = time.monotonic() + 30
    while True:
        try:
            ask(address)
            return
        except URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


class RunningWitness:
    """A witness behind gunicorn, with a folder; it can be stopped, killed and started again."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.book = home, Book.create(home, name)
        self.address = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RunningWitness":
        """Answer from now on."""
        words = ["witness", "serve", "--home", str(self.home), "--bind", self.address.removeprefix("http://")]
        self._process = minhbach(*words)
        until_it_answers(self.address)
        return self

    def stop(self) -> None:
        """Answer no more."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(15)
            self._process = None

    def add(self, body: str) -> Answer:
        """POST /add-checkpoint."""
        return ask(f"{self.address}/add-checkpoint", body.encode())
