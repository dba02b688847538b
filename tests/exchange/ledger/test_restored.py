"""A database restored from a backup: nothing is signed over what was promised, and the rest comes back whole."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.config import Config
from tests.exchange.ledger.crash_parts import Place
from tests.exchange.ledger.house import Backups, House, size_of

OLD, NEW = 2, 5  # records in the backup; records promised before it was put back


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Config:
    """An exchange with a second disk and a published folder."""
    place = Place(tmp_path, database_url)
    place.second.parent.mkdir()
    return place.config


@pytest.fixture
def house(config: Config) -> Iterator[House]:
    """An exchange that will be set back."""
    found = House(config)
    yield found
    found.database.dispose()


@pytest.fixture
def backups(house: House, tmp_path: Path) -> Iterator[Backups]:
    """Two backups, ``old`` and ``new``; the home folder as it was at the time of ``old`` lies in ``old home``."""
    found = Backups(house, tmp_path)
    house.joined(OLD)
    assert house.run()
    found.take("old")
    shutil.copytree(house.config.home, tmp_path / "old home")
    house.joined(NEW - OLD)
    assert house.run()
    found.take("new")
    yield found
    found.forget()


def home_stays(house: House, _old_home: Path) -> None:
    """Only the database was put back."""


def no_folder(house: House, _old_home: Path) -> None:
    """The same where no folder is published."""
    house.config = replace(house.config, log_folder=None)


def home_too(house: House, old_home: Path) -> None:
    """Database and home folder were put back, as one snapshot of one disk; both other places still know."""
    shutil.rmtree(house.config.home)
    shutil.copytree(old_home, house.config.home)


def home_and_folder(house: House, old_home: Path) -> None:
    """Only the promise on the second disk still knows."""
    home_too(house, old_home)
    assert house.config.log_folder is not None
    shutil.rmtree(house.config.log_folder)


def home_and_promise(house: House, old_home: Path) -> None:
    """Only the published folder still knows."""
    home_too(house, old_home)
    assert house.config.log_promise is not None
    house.config.log_promise.unlink()


def promised(house: House) -> set[int]:
    """The sizes of the heads written down outside the database."""
    assert house.config.log_promise is not None
    folder = house.config.home.parent / "published"
    places = (house.config.home / "last_signed", house.config.log_promise, folder / "checkpoint")
    return {size_of(path.read_text()) for path in places if path.exists()}


Lost = Callable[[House, Path], None]


@pytest.mark.parametrize(
    ("lost", "grown"),
    [(home_stays, 1), (no_folder, 0), (home_too, 0), (home_and_folder, 0), (home_and_folder, 4), (home_and_promise, 4)],
)
def test_a_restored_database_is_never_signed_over(
    house: House, backups: Backups, tmp_path: Path, lost: Lost, grown: int
) -> None:
    backups.put_back("old")
    lost(house, tmp_path / "old home")
    house.start()
    house.joined(grown)  # past the promised size with four
    for _ in range(2):
        assert not house.run()
        assert house.ready()["log"] == "failing"
        assert house.head() == OLD, "readers see the last head that the database can still prove"
    assert house.actions() == OLD + grown
    assert NEW in promised(house), "and the promise is where it was"

    backups.put_back("new")
    house.start()
    house.joined()
    assert house.run()
    assert (house.head(), house.actions(), house.ready()["log"]) == (NEW + 1, NEW + 1, "ok")
