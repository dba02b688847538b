"""COSE receipts as strangers fetch them, and the key they are checked with."""

import stat
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from flask.testing import FlaskClient
from scitt_cose.receipt import verify_receipt
from sqlmodel import Session

from contracts import canonical
from contracts.log import checkpoint
from contracts.log.receipt import check_receipt, parse_receipt
from exchange.cli import main
from exchange.config import Config
from exchange.ledger import receipts, service
from exchange.ledger.keyring import LogKeyError
from exchange.ledger.sequencer import Sequencer


def test_a_stranger_checks_any_record_with_one_key_and_one_receipt(
    note: Callable[..., list[str]], session: Session, sequencer: Sequencer, client: FlaskClient
) -> None:
    ids = note(*(f"l{n}" for n in range(9)))
    assert client.get(f"/log/receipt?event={ids[0]}").status_code == 404  # under no head yet
    sequencer.run_once()
    pem = client.get("/log/keys/cose.pem").data
    key = load_pem_public_key(pem)
    assert isinstance(key, Ed25519PublicKey)
    head = checkpoint.parse_checkpoint(checkpoint.parse_note(client.get("/log/checkpoint").text).text)
    for index, event in enumerate(ids):
        answer = client.get(f"/log/receipt?event={event}")
        assert answer.headers["Content-Type"] == 'application/cose; cose-type="cose-sign1"'
        entry = service.record_of(session, event).data
        receipt = parse_receipt(answer.data)
        assert (receipt.index, check_receipt(receipt, entry, key, head)) == (index, head.root)
        assert verify_receipt(answer.data, leaf_entry_hex=entry.hex(), log_public_key_pem=pem).ok
        assert not verify_receipt(answer.data, leaf_entry_hex=entry.hex() + "00", log_public_key_pem=pem).ok
    assert len({parse_receipt(client.get(f"/log/receipt?event={event}").data).signature for event in ids}) == 1


def test_the_receipt_of_nothing_is_not_found(client: FlaskClient) -> None:
    for address in ("/log/receipt", "/log/receipt?event=nothing"):
        assert client.get(address).status_code == 404


def test_the_command_writes_the_same_receipt(
    note: Callable[..., list[str]], sequencer: Sequencer, client: FlaskClient, config: Config, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (event,) = note("x")
    sequencer.run_once()
    monkeypatch.setenv("MINHBACH_HOME", str(config.home))
    monkeypatch.setenv("MINHBACH_DATABASE_URL", config.database_url)
    monkeypatch.setenv("MINHBACH_LOG_ORIGIN", config.log_origin)
    file = tmp_path / "x.cose"
    answer = CliRunner().invoke(main, ["log", "receipt", event, "-o", str(file)])
    assert answer.exit_code == 0, answer.output
    assert file.read_bytes() == client.get(f"/log/receipt?event={event}").data
    unknown = CliRunner().invoke(main, ["log", "receipt", "nothing", "-o", str(tmp_path / "y")])
    assert unknown.exit_code == 1
    assert "no event" in unknown.output
    assert not (tmp_path / "y").exists()


def test_the_key_is_one_of_its_own_and_readable_by_the_server_alone(config: Config, sequencer: Sequencer) -> None:
    found = receipts.pem_of(receipts.key_of(config.home))
    assert receipts.pem_of(receipts.key_of(config.home)) == found
    file = config.home / "log-cose.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not [*config.home.glob("*.new")]
    file.write_text("torn")
    with pytest.raises(LogKeyError):
        receipts.key_of(config.home)


def test_each_key_of_receipts_is_on_record_before_its_first_receipt(
    note: Callable[..., list[str]], session: Session, sequencer: Sequencer, client: FlaskClient, config: Config
) -> None:
    (event,) = note("x")
    sequencer.run_once()

    def used() -> str:
        """The digest of the key that signs now, which has signed two receipts."""
        for _ in range(2):
            assert client.get(f"/log/receipt?event={event}").status_code == 200
        key = load_pem_public_key(client.get("/log/keys/cose.pem").data)
        return canonical.sha256_b64url(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    first, aside = used(), config.home / "first"
    sequencer.run_once()
    assert [row["key"] for row in client.get("/log/keys/cose.json").json] == [first]
    (config.home / "log-cose.key").rename(aside)  # lost, or another machine
    second = used()
    aside.rename(config.home / "log-cose.key")  # and found again: that one is known
    assert (used(), second != first) == (first, True)
    sequencer.run_once()
    told = client.get("/log/keys/cose.json").json
    assert [row["key"] for row in told] == [first, second]
    records = service.story(session, ["logkey:receipts"])
    assert [(record.id, record.index, record.leaf.h["key"]) for record in records] == [
        (row["event"], row["index"], row["key"]) for row in told
    ]
    assert service.is_logged(session, told[-1]["event"])


def test_who_uses_a_key_while_another_process_records_it_is_answered_and_one_record_is_made(
    client: FlaskClient, session: Session, sequencer: Sequencer, config: Config, now: datetime
) -> None:
    receipts.record(session, receipts.key_of(config.home), now)
    answers: list[int] = []
    asking = Thread(target=lambda: answers.append(client.get("/log/keys/cose.pem").status_code))
    asking.start()
    time.sleep(0.4)  # it waits for us now: on SQLite for the lock, on PostgreSQL for the event id
    session.commit()
    asking.join()
    sequencer.run_once()
    assert (answers, len(service.story(session, ["logkey:receipts"]))) == ([200], 1)


def test_processes_that_make_the_key_at_once_agree_on_one(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [Thread(target=lambda: found.append(receipts.pem_of(receipts.key_of(tmp_path)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["log-cose.key"]
