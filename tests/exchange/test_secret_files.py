"""The secret and the log's key are made once, whole, however many processes start at the same moment."""

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from exchange.config import Config
from exchange.ledger.keyring import Keyring
from exchange.secret_files import make_once

SPAWN = multiprocessing.get_context("spawn")


def start(home: Path, barrier: "multiprocessing.synchronize.Barrier", answers: "multiprocessing.Queue[str]") -> None:
    barrier.wait(30)
    config = Config.from_environ({"MINHBACH_HOME": str(home)})
    answers.put(config.secret_key + Keyring(home, "log.test").open())


def test_processes_that_start_at_once_share_one_secret_and_one_key(tmp_path: Path) -> None:
    barrier, answers = SPAWN.Barrier(3), SPAWN.Queue()
    processes = [SPAWN.Process(target=start, args=(tmp_path / "home", barrier, answers)) for _ in range(3)]
    for process in processes:
        process.start()
    found = {answers.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    answers.close()
    assert len(found) == 1
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"secret", "log.key"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / "home").iterdir())


def test_a_crash_while_a_secret_is_written_leaves_none_and_the_next_start_makes_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as power:
        power.setattr(os, "fsync", crash)
        with pytest.raises(KeyboardInterrupt):
            make_once(tmp_path / "secret", b"x" * 40)
    assert not (tmp_path / "secret").exists()
    assert len(Config.from_environ({"MINHBACH_HOME": str(tmp_path)}).secret_key) >= 32
