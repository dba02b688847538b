"""Sending a file: what is refused leaves neither row nor file; what is kept is what arrived."""

import hashlib
import io
import resource
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import ClientDisconnected

from exchange.catalogue import incoming
from exchange.catalogue.models import Listing
from tests.exchange.catalogue.conftest import CSV, Things
from tests.exchange.catalogue.test_reader import BAD
from tests.exchange.people import People


@pytest.fixture
def seller(people: People, no_csrf: None) -> FlaskClient:
    return people.browser(people.provider(), "en")


@pytest.fixture
def door(seller: FlaskClient) -> str:
    """The upload address of a new draft."""
    return seller.post("/publish").headers["Location"]


def put_stream(client: FlaskClient, address: str, stream: Any, length: int) -> Any:
    """A body that is what it says only while it is read, as a socket's."""
    return client.put(address, environ_overrides={"wsgi.input": stream, "CONTENT_LENGTH": str(length)})


def test_the_file_is_kept_byte_for_byte(app: Flask, seller: FlaskClient, door: str, things: Things) -> None:
    answer = seller.put(door + "?name=..%2F..%2Fcảng.csv", data=CSV)
    assert answer.status_code == 200, answer.text
    store = app.extensions["minhbach.store"]
    assert b"".join(store.open_range(store.keys()[0], 0, 10_000)) == CSV
    page = seller.get(door).text
    assert hashlib.sha256(CSV).hexdigest() in page
    assert "cảng.csv" in page
    assert things.count() == {"listing": 1, "listing_version": 0, "asset": 1, "stored": 1, "incoming": 0}


def test_another_file_replaces_the_first_without_orphans(seller: FlaskClient, door: str, things: Things) -> None:
    for content in (CSV, CSV + b"04,Vinh,1,2026-02-02\n"):
        assert seller.put(door + "?name=a.csv", data=content).status_code == 200
    assert things.count() | {"listing": 1} == {
        "listing": 1,
        "listing_version": 0,
        "asset": 1,
        "stored": 1,
        "incoming": 0,
    }


@pytest.mark.parametrize(
    "name", ["empty", "zip", "html", "encoding_windows1258", "ragged", "columns_too_many", "columns_repeated"]
)
@pytest.mark.parametrize("way", ["script", "form"])
def test_a_refused_file_leaves_nothing(seller: FlaskClient, door: str, things: Things, name: str, way: str) -> None:
    before = things.count()
    if way == "script":
        answer = seller.put(door + "?name=a.csv", data=BAD[name])
        assert answer.json is not None
        assert answer.json["code"].startswith("NOT_MACHINE_READABLE:")
    else:
        answer = seller.post(door, data={"file": (io.BytesIO(BAD[name]), "a.csv")})
        assert 'data-error-summary="Error"' in answer.text
    assert answer.status_code == 422
    assert things.count() == before


def test_five_gigabytes_are_refused_before_a_byte_is_read(seller: FlaskClient, door: str, things: Things) -> None:
    class Untouched(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _buffer: Any) -> int:
            raise AssertionError("the body was read")

    before = things.count()
    answer = put_stream(seller, door + "?name=a.csv", io.BufferedReader(Untouched()), 5 * 1024**3)
    assert answer.status_code == 413
    assert "larger than the exchange accepts" in answer.text
    assert things.count() == before


def test_more_than_the_limit_without_a_declared_length(
    app: Flask, seller: FlaskClient, door: str, things: Things
) -> None:
    config = app.extensions["minhbach.config"]
    object.__setattr__(config, "max_upload_bytes", 100_000)
    before = things.count()
    answer = seller.put(
        door + "?name=a.csv", input_stream=io.BytesIO(b"a,b\n" + b"1,2\n" * 100_000),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
    )  # fmt: skip
    assert answer.status_code == 413
    assert things.count() == before


def test_a_dropped_connection_leaves_nothing(seller: FlaskClient, door: str, things: Things) -> None:
    before = things.count()
    answer = put_stream(seller, door + "?name=a.csv", io.BytesIO(CSV), len(CSV) + 1000)
    assert answer.status_code == 400
    assert ClientDisconnected.code == 400
    assert things.count() == before


def test_a_failure_after_storing_removes_the_stored_file(
    app: Flask, seller: FlaskClient, door: str, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise OSError("the database is gone")

    monkeypatch.setattr(incoming.service, "attach_file", broken)
    before = things.count()
    app.testing = False
    assert seller.put(door + "?name=a.csv", data=CSV).status_code == 500
    assert things.count() == before


def test_nobody_else_can_send_a_file(
    app: Flask, client: FlaskClient, seller: FlaskClient, people: People, door: str, things: Things
) -> None:
    before = things.count()
    assert client.put(door, data=CSV).status_code == 401
    assert people.browser(people.stranger()).put(door, data=CSV).status_code == 404
    assert people.browser(people.operator()).put(door, data=CSV).status_code == 403
    assert things.count() == before


def test_the_upload_demands_its_csrf_token(app: Flask, people: People, draft: Callable[..., Listing]) -> None:
    listing = draft()
    seller = people.browser(people.provider())
    assert seller.put(f"/publish/{listing.id}/file?name=a.csv", data=CSV).status_code == 400
    page = seller.get(f"/publish/{listing.id}/file").text
    token = page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    sent = seller.put(f"/publish/{listing.id}/file?name=a.csv", data=CSV, headers={"X-CSRFToken": token})
    assert sent.status_code == 200, sent.text


class Endless(io.RawIOBase):
    """A CSV of a given size that exists only while it is read."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.started = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        line = b"a,b\n" if not self.started else b"1,2\n" * (min(len(buffer), self.left) // 4)
        self.started = True
        buffer[: len(line)] = line
        self.left -= len(line)
        return len(line)


def test_a_large_file_streams_in_constant_memory(seller: FlaskClient, door: str, things: Things) -> None:
    size = 48 * 1024**2
    assert seller.put(door + "?name=a.csv", data=CSV).status_code == 200  # whatever is loaded once is loaded now
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    stream = io.BufferedReader(Endless(size), 65536)
    answer = put_stream(seller, door + "?name=a.csv", stream, size)
    assert answer.status_code == 200, answer.text
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < size // 2
    assert things.count()["stored"] == 1
