"""What the ``minhbach`` command keeps of the log's heads, against exchanges that really run: honest ones and others."""

import json
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from contracts.log.checkpoint import parse_checkpoint, parse_note
from exchange import clock
from exchange.client.connection import Connection
from exchange.client.files import read_credentials
from exchange.client.gossip import HEADER
from exchange.ledger import restart
from tests.exchange.running import Member, Running
from tests.exchange.test_monitor import Exchange


class Market:
    """One address, whichever exchange stands behind it now, and a member who asks there."""

    def __init__(self, folder: Path, first: Exchange, address: str) -> None:
        self.behind, self.asked = first, list[str]()
        self.header: str | None = "as it is"  # otherwise what the answers say in its place
        self.withheld = ""  # the status with which proofs are refused
        self.member = Member(first.people, first.people.provider(), address, folder, ("webhooks",))
        self.kept = folder / "machine.json.heads"

    def __call__(self, environ: Any, start: Any) -> Any:
        self.asked.append(environ["PATH_INFO"])
        if self.withheld and environ["PATH_INFO"] == "/log/consistency":
            start(self.withheld, [])
            return [b""]

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if self.header != "as it is":
                headers = [(name, value) for name, value in headers if name != HEADER]
                headers += [(HEADER, self.header)] if self.header is not None else []
            return start(status, headers, *more)

        return self.behind.app(environ, begin)

    def told(self) -> str:
        """What the exchange names now."""
        told: str = self.behind.app.test_client().get("/log/checkpoint").headers[HEADER]
        return told

    def head(self) -> str:
        """What is kept."""
        [kept] = json.loads(self.kept.read_text()).values()
        head: str = kept["head"]
        return head

    def look(self, lang: str = "en") -> Result:
        """A command that only reads; its own work must be done whatever the log is."""
        result = self.member.run("webhook", "list", "--lang", lang)
        assert "TOKEN_REFUSED" not in result.output, result.output
        return result

    def is_quiet(self) -> None:
        """The command has nothing to say about the log, and keeps what it was told."""
        result = self.look()
        assert (result.exit_code, result.stderr) == (0, ""), result.exception

    def alarms(self, sentence: str) -> dict[str, str]:
        """It must, after the command's own work, and keep what it knew; the file for the regulator."""
        before = self.head()
        result = self.look()
        assert result.exit_code == 1
        assert sentence in result.stderr
        assert before in result.stderr
        assert self.head() == before
        path = Path(result.stderr.strip().rsplit(" ", 1)[1])
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        evidence: dict[str, str] = json.loads(path.read_text())
        assert evidence["kept"] == before
        return evidence

    def files(self) -> int:
        """How many files for the regulator there are."""
        return len(list(self.kept.parent.glob("*.fork-*.json")))


@pytest.fixture
def market(tmp_path: Path, sqlite_template: Path, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    monkeypatch.setattr("exchange.ledger.gossip.FRESH", 0.0)  # an answer may name the head of half a second before
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(sqlite_template, home / "exchange.sqlite")
    exchange, running = Exchange(home), Running()
    found = Market(tmp_path / "member", exchange, running.address)
    exchange.grow(5)
    running.start(found)  # type: ignore[arg-type]
    yield found
    running.stop()


def forked(market: Market, mine: int, other: int) -> None:
    """The member is told of ``mine`` more records; then others stand behind the address, with ``other`` more."""
    fork = market.behind.backup("fork")
    market.behind.grow(mine)
    market.is_quiet()
    market.behind = fork
    fork.grow(other)


def test_an_honest_log_is_followed_with_one_question_for_each_new_head(market: Market) -> None:
    market.is_quiet()
    assert stat.S_IMODE(market.kept.stat().st_mode) == 0o600
    assert "/log/consistency" not in market.asked, "there is nothing to compare with yet"
    for more in (1, 250, 300):
        market.behind.grow(more)
        market.asked.clear()
        market.is_quiet()
        assert market.asked.count("/log/consistency") == 1
        assert market.head() == market.told()
    market.asked.clear()
    file = market.kept.stat().st_ino
    market.is_quiet()
    assert market.kept.stat().st_ino == file
    assert [path for path in market.asked if path.startswith("/log/")] == []


@pytest.mark.parametrize("other", [4, 300])
def test_another_history_is_an_alarm_each_time_and_both_heads_are_kept_once(market: Market, other: int) -> None:
    forked(market, 4, other)
    evidence = market.alarms("two histories")
    assert evidence["told"] == market.told()
    shown = parse_checkpoint(parse_note(evidence["checkpoint"]).text)
    assert (shown.origin, str(shown.size)) == ("log.test/2026", evidence["told"].split()[0])
    market.behind.grow(3)
    assert market.alarms("two histories") == evidence
    assert market.files() == 1, "a lie told every time does not fill the disk"
    assert "BÁO ĐỘNG" in market.look("vi").stderr


def test_a_command_that_is_refused_says_so_first(market: Market) -> None:
    forked(market, 4, 4)
    said = market.member.run("webhook", "rotate", "01jd0000000000000000000000").stderr
    assert said.startswith("✗")
    assert said.index("✗") < said.index("ALARM")


def test_a_worker_that_is_a_moment_behind_is_no_alarm(market: Market) -> None:
    old = market.told()
    market.behind.grow(4)
    market.is_quiet()
    newest, market.header = market.head(), old
    market.is_quiet()
    assert market.asked.count("/log/consistency") == 1
    assert market.head() == newest
    market.header = old.split()[0] + " " + newest.split()[1]
    market.alarms("two histories")


def test_a_restored_backup_is_silent_until_it_has_grown_past_what_was_promised(market: Market) -> None:
    forked(market, 4, 0)
    market.is_quiet()
    market.behind.grow(2)
    market.is_quiet()
    market.behind.grow(4)
    market.alarms("two histories")


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable"])
def test_a_proof_that_is_withheld_is_asked_for_again_and_not_for_ever(
    market: Market, now: datetime, status: str
) -> None:
    market.is_quiet()
    first, market.withheld = market.head(), status
    market.behind.grow(1)
    doubted = market.told()
    market.is_quiet()
    market.behind.grow(1)
    with clock.frozen(now + timedelta(hours=23)):
        market.is_quiet()
    assert market.head() == first
    with clock.frozen(now + timedelta(hours=25)):
        assert market.alarms("more than a day")["told"] == doubted
        market.withheld = ""
        market.is_quiet()
    assert market.head() == market.told()


def test_a_doubt_is_not_forgotten_because_the_kept_head_is_told_again(market: Market, now: datetime) -> None:
    forked(market, 4, 9)
    market.withheld = "404 Not Found"
    market.is_quiet()
    market.header = market.head()
    market.is_quiet()
    with clock.frozen(now + timedelta(hours=25)):
        market.alarms("more than a day")
    market.withheld = ""
    market.alarms("two histories")


def renamed(exchange: Exchange) -> Exchange:
    """The same log, going on under a new name."""
    found = Exchange(exchange.folder, exchange.people, "log.test/2027")
    with found.database.writing() as session:
        restart.restart(session, found.config, clock.now())
        session.commit()
    found.grow(3)
    return found


def test_a_log_that_goes_on_under_a_new_name_is_no_alarm(market: Market) -> None:
    market.is_quiet()
    market.behind = renamed(market.behind)
    market.is_quiet()
    assert market.head() == market.told()


def test_a_new_name_does_not_hide_that_promised_records_are_lost(market: Market) -> None:
    forked(market, 4, 0)
    market.behind = renamed(market.behind)
    market.behind.grow(9)
    assert market.alarms("two histories")["checkpoint"].startswith("log.test/2027\n")
    market.kept.unlink()
    market.is_quiet()


def test_an_exchange_that_names_no_head_any_more_is_noticed(market: Market) -> None:
    market.header = None
    market.is_quiet()
    market.header = "as it is"
    market.is_quiet()
    market.header = None
    result = market.look()
    assert (result.exit_code, "named no head" in result.stderr) == (0, True)


def test_of_several_answers_the_largest_head_counts(market: Market) -> None:
    credentials = read_credentials(market.member.folder / "machine.json")
    asked = Connection(market.member.address, credentials, "webhooks", "en")
    for size in (5, 9, 7):
        market.header = f"{size} {'A' * 43}="
        asked.call("GET", "/webhooks")
    assert asked.told is not None
    assert asked.told.size == 9


def test_what_is_no_head_is_not_kept(market: Market) -> None:
    root = "A" * 43 + "="
    for header in ("", "5", root, f"0 {root}", f"{'9' * 19} {root}", f"5 {root}=", "5 " + "A" * 44, "5 " + "A" * 9_000):
        market.header = header
        market.is_quiet()
        assert not market.kept.exists()


def test_a_proof_that_proves_nothing_is_an_alarm(market: Market) -> None:
    market.is_quiet()
    market.behind.grow(2)
    honest = market.behind.app
    for answer in (b"nonsense", b"QUJD", b"", b"\xff"):

        def lying(environ: Any, start: Any, answer: bytes = answer) -> Any:
            if environ["PATH_INFO"] != "/log/consistency":
                return honest(environ, start)
            start("200 OK", [])
            return [answer]

        market.behind.app = lying  # type: ignore[assignment]
        market.alarms("two histories")


def test_a_damaged_file_is_not_taken_for_a_first_look(market: Market) -> None:
    market.is_quiet()
    [kept] = json.loads(market.kept.read_text()).values()
    no_time = {"x": kept | {"doubt": kept["head"], "since": "2026-11-22T09:00:00"}}
    for text in ("", "[]", "{}}", '{"x": {"head": "5"}}', json.dumps(no_time)):
        market.kept.write_text(text)
        result = market.look()
        assert (result.exit_code, f"{market.kept}, which keeps" in result.stderr) == (1, True), text
        assert market.kept.read_text() == text
    market.kept.chmod(0o644)
    assert "chmod 600" in market.look().stderr


def test_where_nothing_can_be_kept_the_command_still_does_its_work(market: Market) -> None:
    client = market.member.folder / (
        "c" * 245
    )  # a new file beside it would have a longer name than a file system takes
    shutil.copy(market.member.folder / "machine.json", client)
    result = market.member.run("webhook", "list", MINHBACH_CLIENT=str(client))
    assert (result.exit_code, "could not be kept" in result.stderr) == (0, True)
