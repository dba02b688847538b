"""Heads stamped by a real authority: which, when, how often, and what happens when the authority does not behave."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from contracts.errors import TimestampError
from contracts.log import checkpoint, timestamp
from exchange import audit, clock
from exchange.app import create_app
from exchange.cli import main
from exchange.config import Config, ConfigurationError
from exchange.db import Database
from exchange.ledger import service, timestamps
from exchange.ledger.models import Anchor
from exchange.ledger.sequencer import Sequencer
from exchange.ledger.timestamps import TimeStamps
from tests.exchange.people import People
from tests.tsa import Authority, Service, serving

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "good")


@pytest.fixture
def tsa(authority: Authority) -> Iterator[Service]:
    with serving(authority) as service_:
        yield service_


@pytest.fixture
def stamping(database: Database, config: Config, authority: Authority, tsa: Service) -> TimeStamps:
    return TimeStamps(database, dataclasses.replace(config, tsa_url=tsa.url, tsa_roots=authority.roots))


@pytest.fixture
def grow(session: Session, people: People, sequencer: Sequencer) -> Callable[[datetime], int]:
    """One more record and its signed head, made at this moment; the head's size."""
    actor = people.provider()

    def write(at: datetime) -> int:
        with clock.frozen(at):
            audit.record(session, "listing.changed", actor, on=["listing:x"], now=at)
            session.commit()
            sequencer.run_once()
            found = service.head(session)
            session.rollback()
        assert found is not None
        return found.size

    return write


def run_at(stamping: TimeStamps, at: datetime) -> int:
    with clock.frozen(at):
        return stamping.run_once()


def stored(database: Database) -> list[tuple[int, str, str]]:
    with database.reading() as session:
        return [(stamp.size, stamp.kind, stamp.period) for stamp in service.stamps(session)]


def test_the_last_head_of_a_finished_hour_is_stamped_once(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database, tsa: Service, authority: Authority
) -> None:
    grow(AT)
    last = grow(AT + timedelta(minutes=59, seconds=59, milliseconds=999))
    assert run_at(stamping, AT + timedelta(minutes=59, seconds=59, milliseconds=999)) == 0  # the hour is not over
    assert run_at(stamping, AT + timedelta(hours=1)) == 1
    assert run_at(stamping, AT + timedelta(hours=1)) == 0
    assert stored(database) == [(last, "hour", "2026-11-22T02")]
    assert len(tsa.asked) == 1
    with database.reading() as session:
        token, text = service.token(session, last), timestamps.text_of(service.note_of(session, last))
        (stamp,) = service.stamps(session)
    roots = timestamp.parse_roots(authority.roots.read_bytes())
    assert timestamp.check(token, text, roots).time == stamp.time
    assert checkpoint.parse_checkpoint(text.decode()).size == last
    assert authority.verify(token, text)
    assert not authority.verify(token, text + b"\n")


def test_a_head_of_the_next_hour_waits_for_its_own_end(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database
) -> None:
    first = grow(AT + timedelta(minutes=30))
    grow(AT + timedelta(hours=1))  # on the hour: it belongs to the one that begins
    assert run_at(stamping, AT + timedelta(hours=1, minutes=1)) == 1
    assert stored(database) == [(first, "hour", "2026-11-22T02")]


def test_hours_without_a_record_ask_for_nothing(
    stamping: TimeStamps, grow: Callable[[datetime], int], tsa: Service
) -> None:
    assert run_at(stamping, AT + timedelta(hours=1)) == 0
    grow(AT)
    for hour in range(1, 6):
        run_at(stamping, AT + timedelta(hours=hour))
    assert len(tsa.asked) == 1


def test_the_day_ends_at_midnight_utc_and_shares_the_token_of_its_last_hour(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database, tsa: Service
) -> None:
    last = grow(datetime(2026, 11, 22, 23, 59, 59, 999000, tzinfo=UTC))
    assert run_at(stamping, datetime(2026, 11, 23, tzinfo=UTC)) == 2
    assert stored(database) == [(last, "day", "2026-11-22"), (last, "hour", "2026-11-22T23")]
    assert len(tsa.asked) == 1
    with database.reading() as session:
        assert len(set(session.exec(select(Anchor.token)))) == 1


def test_after_an_outage_the_newest_finished_head_is_stamped_with_the_time_it_is_now(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database, tsa: Service
) -> None:
    answer, tsa.answer = tsa.answer, lambda _request: (503, b"")
    begun = datetime.now(UTC)
    for hour in range(3):
        grow(AT + timedelta(hours=hour))
        with clock.frozen(AT + timedelta(hours=hour + 1)):
            stamping.try_run()
    assert stored(database) == []
    tsa.answer = answer
    assert run_at(stamping, AT + timedelta(hours=3, minutes=1)) == 1
    assert stored(database) == [(3, "hour", "2026-11-22T04")]
    with database.reading() as session:
        (stamp,) = service.stamps(session)
    assert stamp.time >= begun.replace(microsecond=0)


def test_a_clock_set_back_stamps_nothing_twice(
    stamping: TimeStamps, grow: Callable[[datetime], int], tsa: Service
) -> None:
    grow(AT)
    run_at(stamping, AT + timedelta(hours=1))
    assert run_at(stamping, AT - timedelta(days=1)) == 0
    assert len(tsa.asked) == 1


def test_two_workers_stamp_once(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database, tsa: Service, config: Config,
    authority: Authority,
) -> None:  # fmt: skip
    grow(AT)
    second = TimeStamps(database, dataclasses.replace(config, tsa_url=tsa.url, tsa_roots=authority.roots))
    answer = tsa.answer
    tsa.answer = lambda request: (time.sleep(0.3), answer(request))[1]
    with clock.frozen(AT + timedelta(hours=1)):
        threads = [Thread(target=worker.run_once) for worker in (stamping, second, stamping)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(tsa.asked) == 1
    assert len(stored(database)) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda genuine: (500, b""), OSError),
        (lambda genuine: (302, b""), OSError),
        (lambda genuine: (200, b"<html>welcome to the free wireless network</html>"), TimestampError),
        (lambda genuine: (200, genuine + bytes(timestamp.MAX_TOKEN)), TimestampError),
        (lambda genuine: (200, b""), TimestampError),
    ],
    ids=["500", "redirect", "page", "oversize", "empty"],
)
def test_an_authority_that_does_not_behave_delays_and_nothing_else(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database, tsa: Service,
    answer: Callable[[bytes], tuple[int, bytes]], error: type[Exception],
) -> None:  # fmt: skip
    grow(AT)
    genuine = tsa.answer
    tsa.answer = lambda request: answer(genuine(request)[1])
    with pytest.raises(error):
        run_at(stamping, AT + timedelta(hours=1))
    with clock.frozen(AT + timedelta(hours=1)):
        stamping.try_run()
    assert stored(database) == []
    assert grow(AT + timedelta(hours=1)) == 2  # the log goes on
    tsa.answer = genuine
    assert run_at(stamping, AT + timedelta(hours=1)) == 1


def test_a_token_for_another_text_or_from_an_earlier_time_of_asking_is_not_stored(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database, tsa: Service, authority: Authority
) -> None:
    size = grow(AT)
    with database.reading() as session:
        text = timestamps.text_of(service.note_of(session, size))
    for replayed, code in [
        (authority.stamp(timestamp.request(text, 7)), "TIMESTAMP_NONCE"),
        (authority.stamp(timestamp.request(text + b"\n", 7)), "TIMESTAMP_OF_ANOTHER_TEXT"),
    ]:
        tsa.answer = lambda _request, body=replayed: (200, body)  # type: ignore[misc]
        with pytest.raises(TimestampError, match=code):
            run_at(stamping, AT + timedelta(hours=1))
    assert stored(database) == []


def test_a_token_under_another_root_is_not_stored(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database, tsa: Service, tmp_path: Path
) -> None:
    grow(AT)
    other = Authority(tmp_path / "other")
    tsa.answer = lambda request: (200, other.stamp(request))
    with pytest.raises(TimestampError, match="TIMESTAMP_UNTRUSTED"):
        run_at(stamping, AT + timedelta(hours=1))
    assert stored(database) == []


@pytest.mark.parametrize("pause", [0.02, 5.0], ids=["dripping", "silent"])
def test_a_hanging_authority_is_left(
    stamping: TimeStamps, grow: Callable[[datetime], int], tsa: Service, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(AT)
    monkeypatch.setattr(timestamps, "PATIENCE", 0.5)
    tsa.pause = pause
    begun = time.perf_counter()
    with pytest.raises(TimeoutError):
        run_at(stamping, AT + timedelta(hours=1))
    assert time.perf_counter() - begun < 3
    with clock.frozen(AT + timedelta(hours=1)):
        stamping.try_run()


def test_an_authority_that_is_not_there_is_tried_again(
    stamping: TimeStamps, grow: Callable[[datetime], int], database: Database, config: Config, authority: Authority
) -> None:
    grow(AT)
    nobody = dataclasses.replace(config, tsa_url="http://127.0.0.1:9/tsa", tsa_roots=authority.roots)
    with clock.frozen(AT + timedelta(hours=1)):
        TimeStamps(database, nobody).try_run()
    assert stored(database) == []
    assert run_at(stamping, AT + timedelta(hours=1)) == 1


def test_without_an_authority_nothing_is_asked(app: Flask, grow: Callable[[datetime], int], database: Database) -> None:
    grow(AT)
    own: TimeStamps = app.extensions["minhbach.timestamps"]
    assert not own.configured
    assert run_at(own, AT + timedelta(hours=1)) == 0
    assert stored(database) == []


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"MINHBACH_TSA_URL": "https://tsa.example/"}, "both or not at all"),
        ({"MINHBACH_TSA_ROOTS": "{roots}"}, "both or not at all"),
        ({"MINHBACH_TSA_URL": "http://tsa.example/", "MINHBACH_TSA_ROOTS": "{roots}"}, "https://"),
        ({"MINHBACH_TSA_URL": "file:///etc/passwd", "MINHBACH_TSA_ROOTS": "{roots}"}, "https://"),
        ({"MINHBACH_TSA_URL": "https://tsa.example/", "MINHBACH_TSA_ROOTS": "{home}/none.pem"}, "PEM"),
        ({"MINHBACH_TSA_URL": "https://tsa.example/", "MINHBACH_TSA_ROOTS": "{home}/empty.pem"}, "PEM"),
    ],
)
def test_wrong_settings_stop_the_start(
    settings: dict[str, str], sentence: str, tmp_path: Path, authority: Authority
) -> None:
    (tmp_path / "empty.pem").write_text("")
    given = {name: value.format(roots=authority.roots, home=tmp_path) for name, value in settings.items()}
    with pytest.raises(ConfigurationError, match=sentence):
        create_app(Config.from_environ({"MINHBACH_HOME": str(tmp_path), **given}))


def test_strangers_fetch_tokens_texts_and_the_list(
    stamping: TimeStamps, grow: Callable[[datetime], int], client: FlaskClient, authority: Authority
) -> None:
    for day in range(2):
        size = grow(AT + timedelta(days=day))
        run_at(stamping, AT + timedelta(days=day, hours=1))
    run_at(stamping, AT + timedelta(days=2))
    found = client.get("/log/timestamps").get_json()
    assert [(stamp["size"], stamp["kind"], stamp["period"]) for stamp in found] == [
        (size, "day", "2026-11-23"), (size, "hour", "2026-11-23T02"),
        (size - 1, "day", "2026-11-22"), (size - 1, "hour", "2026-11-22T02"),
    ]  # fmt: skip
    token, text = client.get(found[0]["token"]), client.get(found[0]["text"])
    assert token.mimetype == "application/timestamp-reply"
    assert "immutable" in token.headers["Cache-Control"]
    assert authority.verify(token.data, text.data)
    stamp = timestamp.check(token.data, text.data, timestamp.parse_roots(authority.roots.read_bytes()))
    assert stamp.time == datetime.fromisoformat(found[0]["time"])
    assert len(client.get(f"/log/timestamps?before={size}").get_json()) == 2
    for missing in ("999.tsr", "999.txt", f"{2**64}.tsr", "x.tsr"):
        assert client.get(f"/log/timestamps/{missing}").status_code == 404


def test_the_export_holds_tokens_beside_their_heads(
    stamping: TimeStamps, grow: Callable[[datetime], int], config: Config, tmp_path: Path, authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    size = grow(AT)
    run_at(stamping, AT + timedelta(hours=1))
    grow(AT + timedelta(hours=1))
    monkeypatch.setenv("MINHBACH_HOME", str(config.home))
    monkeypatch.setenv("MINHBACH_DATABASE_URL", config.database_url)
    monkeypatch.setenv("MINHBACH_LOG_ORIGIN", config.log_origin)
    answer = CliRunner().invoke(main, ["log", "export", str(tmp_path / "out")])
    assert answer.exit_code == 0, answer.output
    token = (tmp_path / "out" / "timestamps" / f"{size}.tsr").read_bytes()
    note = checkpoint.parse_note((tmp_path / "out" / "checkpoints" / str(size)).read_text())
    assert authority.verify(token, note.text.encode())


def test_the_regulator_reads_when_heads_were_last_stamped(
    stamping: TimeStamps, grow: Callable[[datetime], int], app: Flask, people: People
) -> None:
    browser = people.browser(people.regulator())
    assert "No time-stamping service is set up" in browser.get("/oversight?lang=en").text
    assert "Chưa thiết lập dịch vụ cấp dấu thời gian" in browser.get("/oversight?lang=vi").text
    app.extensions["minhbach.timestamps"] = stamping
    assert "None yet" in browser.get("/oversight?lang=en").text
    size = grow(AT)
    run_at(stamping, AT + timedelta(days=1))
    page = browser.get("/oversight?lang=en").text
    assert "Last of a day" in page
    assert f"/log/timestamps/{size}.tsr" in page
    assert "Nội dung được đóng dấu" in browser.get("/oversight?lang=vi").text
