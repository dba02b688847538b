"""Disk, key, clock and database fail: the action is refused or the head is delayed, never a lie; then all is well."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from contracts.log import checkpoint
from exchange import audit, clock
from exchange.accounts.models import Organisation
from exchange.config import Config
from exchange.db import new_id
from exchange.errors import Refused
from exchange.ledger.keyring import create
from exchange.ledger.models import Entry
from exchange.permissions import OrgKind
from tests.exchange.ledger.crash_parts import Place, served
from tests.exchange.ledger.house import House, no_room, read_only, size_of

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
REFUSED = {
    "vi": "Sàn hiện không ghi được nhật ký nên tạm thời không nhận thao tác nào.",
    "en": "The exchange cannot record actions now, so it accepts none.",
}


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    """An exchange with a second disk and a published folder."""
    place = Place(tmp_path, database_url)
    place.second.parent.mkdir(exist_ok=True)
    return place.config


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB under the folder that the test names; made before the exchange starts."""
    folder = tmp_path / request.param
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small disk without the right to mount one: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def house(config: Config) -> Iterator[House]:
    """Two organisations have joined and are in the log."""
    found = House(config)
    found.joined(2)
    assert found.run()
    assert (found.head(), found.actions()) == (2, 2)
    yield found
    found.database.dispose()


def fill(file: IO[bytes]) -> None:
    while True:
        file.write(b"x" * 4096)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Not a byte is free there."""
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        fill(file)
    try:
        yield
    finally:
        filler.unlink()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_read_only_database_refuses_actions_in_the_readers_language_and_still_shows_the_log(
    house: House, lang: str
) -> None:
    house.joined()
    with read_only(house.database):
        answer = house.join(lang)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert REFUSED[lang] in answer.text
        assert not house.run(), "a record waits and cannot be given its place"
        assert house.ready()["log"] == "failing"
        assert house.head() == 2
    assert house.actions() == 3, "what was refused left nothing behind"
    assert house.run()
    house.joined()
    assert house.run()
    assert (house.head(), house.actions(), house.ready()["log"]) == (4, 4, "ok")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_sqlite_database_refuses_actions_whole(house: House) -> None:
    with no_room(house.database):
        before = until_full(house)
        answer = house.join()
        assert (answer.status_code, REFUSED["vi"] in answer.text) == (503, True)
        assert not house.run()
        assert (house.head(), house.actions()) == (2, before)
    house.joined()
    assert house.run()
    assert house.head() == house.actions() == before + 1


def until_full(house: House) -> int:
    """Act until the disk is full; how many actions there are then."""
    with pytest.raises(OperationalError, match="full"), house.database.writing() as session:
        act_for_ever(session)
    return house.actions()


def act_for_ever(session: Session) -> None:
    """Use up what is free inside the last pages, by smaller rows than the door's, so that no room is left for those."""
    while True:
        session.add(Organisation(name="Crash ", tax_code=new_id()[12:], kind=OrgKind.MEMBER, created_at=NOW))
        audit.record(session, "account.changed", None, on=["org:0"], now=NOW)
        session.commit()


@pytest.mark.parametrize("small_disk", ["home", "second disk"], indirect=True)
def test_a_full_disk_delays_the_head_until_the_promise_can_be_kept(small_disk: Path, house: House) -> None:
    with filled(small_disk):
        house.joined()
        assert not house.run()
        assert (house.head(), house.ready()["log"]) == (2, "failing")
    assert house.run()
    assert (house.head(), house.actions(), promised(house)) == (3, 3, {3})


@pytest.mark.parametrize("small_disk", ["published"], indirect=True)
def test_a_full_disk_under_the_published_folder_leaves_its_older_head_whole(small_disk: Path, house: House) -> None:
    with filled(small_disk):
        house.joined()
        assert not house.run()
        assert house.head() == 3
        note = (small_disk / "checkpoint").read_text()
        assert (size_of(note), served(small_disk, note)) == (2, root_of(note))
    assert house.run()
    note = (small_disk / "checkpoint").read_text()
    assert (size_of(note), served(small_disk, note)) == (3, root_of(note))


def root_of(note: str) -> str:
    """What a head promises, in hexadecimal."""
    return checkpoint.parse_checkpoint(checkpoint.parse_note(note).text).root.hex()


def promised(house: House) -> set[int]:
    """The sizes of the heads written down outside the database."""
    assert house.config.log_promise is not None
    return {size_of(path.read_text()) for path in (house.config.home / "last_signed", house.config.log_promise)}


def remove(key: Path) -> None:
    key.unlink()


def empty(key: Path) -> None:
    key.write_bytes(b"")


def replace_by_another(key: Path) -> None:
    key.unlink()
    create(key)


def make_unreadable(key: Path) -> None:
    """As root a mode keeps nobody out; a folder in the file's place does."""
    key.unlink()
    key.mkdir()


@pytest.mark.parametrize("damage", [remove, empty, replace_by_another, make_unreadable])
def test_without_its_key_the_log_signs_nothing_and_goes_on_when_it_is_back(
    house: House, damage: Callable[[Path], None]
) -> None:
    key = house.config.home / "log.key"
    data = key.read_bytes()
    damage(key)
    house.joined()
    assert not house.run()
    assert (house.head(), promised(house), house.ready()["log"]) == (2, {2}, "failing")
    house.start()
    assert not house.run(), "nor does a restart make it a key of its own"
    assert (house.head(), promised(house)) == (2, {2})
    if key.is_dir():
        key.rmdir()
    key.write_bytes(data)
    assert house.run()
    assert (house.head(), house.actions(), house.ready()["log"]) == (3, 3, "ok")


def test_a_clock_that_is_set_back_or_forward_moves_no_head_backwards(house: House) -> None:
    claimed = []
    for hours in (0, -1, -24, 24, 0):
        with clock.frozen(NOW + timedelta(hours=hours)):
            house.joined()
            assert house.run()
            claimed.append(int(clock.now().timestamp() * 1000))
    made = house.times()
    assert made == sorted(made)
    with house.database.reading() as session:
        times = session.exec(select(Entry.at_ms).order_by(Entry.idx)).all()  # type: ignore[arg-type]
    assert list(times[2:]) == claimed, "the order is the index; a record keeps the time that was claimed for it"
    assert house.actions() == 7


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_more_records_than_the_log_can_follow_refuse_further_actions(house: House, lang: str) -> None:
    sentence = {"vi": "Nhật ký đang ghi chậm", "en": "The log is behind"}[lang]
    with pytest.raises(Refused, match="LOG_BEHIND"), house.database.writing() as session:
        overflow(session)
    time.sleep(0.3)  # for the next look at the outbox
    answer = house.join(lang)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert sentence in answer.text
    with house.database.reading() as session:
        assert len(session.exec(select(Organisation)).all()) == 2
    assert house.run()
    time.sleep(0.3)
    house.joined()


def overflow(session: Session) -> None:
    """Record until one is refused, and commit the others."""
    try:
        while True:
            audit.record(session, "account.changed", None, on=["org:busy"], now=NOW)
    except Refused:
        session.commit()
        raise


def test_a_log_that_stands_still_for_ten_seconds_refuses_further_actions(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise = house.config.home / "last_signed"
    whole, waited, real = promise.read_text(), 0.0, time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + waited)
    promise.write_text("torn")
    for waited in (0.0, 9.0):  # noqa: B007 - the clock reads it
        house.joined()
        assert not house.run()
    waited = 20.0
    assert house.join().status_code == 503
    assert house.actions() == 4
    promise.write_text(whole)
    assert house.run()
    waited = 21.0
    house.joined()
    assert house.run()
    assert (house.head(), house.actions()) == (5, 5)


def test_a_busy_log_that_keeps_up_is_not_taken_for_one_that_stands_still(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited, real = 0.0, time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + waited)
    for waited in range(0, 40, 4):  # noqa: B007 - the clock reads it
        record(house)  # sees the one that has waited since the last round
        assert house.run()
        record(house)  # on SQLite its row has the same number as the one before: the outbox was empty


def record(house: House) -> None:
    with house.database.writing() as session:
        audit.record(session, "account.changed", None, on=["org:busy"], now=NOW)
        session.commit()
