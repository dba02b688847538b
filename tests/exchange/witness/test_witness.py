"""The witness over HTTP: recorded exchanges, races, what it remembers, what it tells."""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contracts import signature
from contracts.log import checkpoint, witness
from contracts.log.checkpoint import Checkpoint, format_vkey, parse_vkey
from exchange import clock
from exchange.cli import main
from exchange.witness.app import create_app
from exchange.witness.book import Book, BookError, log_id
from tests.contracts.log.test_witness import KEYS, LOG, NEXT, ORIGIN, OWN, proof, root, signed
from tests.exchange.witness.running import RunningWitness, ask

# The public key of the log in torchwood's recording; SHA-256 of it is the end of the origin.
SIGSUM = (
    "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
    "+5202289b+Af/cLU2Y5BJNP+r3iMDC+av9eWCD0fBJVDfzAux5zxAP"
)
RECORDED = Path(__file__).parent / "recorded.txt"


def test_torchwoods_nine_recorded_exchanges_pass_in_order(vectors: Path, running: RunningWitness) -> None:
    """All as recorded but one status: torchwood answered 403 for an unknown log, C2SP tlog-witness says 404 by now."""
    running.book.add_log(SIGSUM)
    text = (vectors / "witness" / "add-checkpoint.hurl").read_text()
    exchanges = re.findall(r"```\n(.*?)```\nHTTP (\d+)\n\[Asserts\]\nbody (contains|==) \"(.*?)\"\n", text, re.DOTALL)
    assert len(exchanges) == 9
    for body, status, how, expected in exchanges:
        answer = running.add(body)
        expected = expected.replace("\\n", "\n")
        assert answer.status == (404 if expected == "unknown log" else int(status)), answer
        assert answer.text == expected if how == "==" else expected in answer.text
        if answer.status == 409:
            assert answer.type == "text/x.tlog.size"
        if answer.status == 200:
            note = checkpoint.parse_note(body.partition("\n\n")[2])
            witness.open_answer(note.text, answer.text.encode(), running.book.key)
    assert running.book.logs()[0].size == 5


def test_each_status_is_answered_as_recorded(tmp_path: Path) -> None:
    """A key and a clock that are fixed: every answer to the byte, in order."""
    Book.create(tmp_path / "w", "example.com/witness")
    (tmp_path / "w" / "witness.key").write_bytes(signature.to_pem(OWN))
    book = Book(tmp_path / "w")
    book.add_log(format_vkey(KEYS[0]))
    client = create_app(book).test_client()
    found = re.findall(r"```\n(.*?)```\nHTTP (\d+) (.*?)\n```\n(.*?)```\n", RECORDED.read_text(), re.DOTALL)
    assert {status for _, status, _, _ in found} == {"200", "400", "403", "404", "409", "422"}
    with clock.frozen(datetime.fromtimestamp(1_790_000_000, UTC)):
        for body, status, type, text in found:
            answer = client.post("/add-checkpoint", data=body.encode())
            assert (str(answer.status_code), answer.content_type, answer.text) == (status, type, text)


def test_of_two_racing_heads_neither_is_rolled_back(running: RunningWitness) -> None:
    """C2SP tlog-witness: else a cosignature for the smaller head could be given after the larger one."""
    running.book.add_log(format_vkey(KEYS[0]))
    assert running.add(witness.format_request(0, (), signed(3))).status == 200
    for old, small, large in ((3, 7, 9), (9, 10, 12), (12, 20, 20), (20, 33, 40)):
        bodies = [witness.format_request(old, proof(old, new), signed(new)) for new in (small, large)]
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(running.add, bodies * 4))
        assert {answer.status for answer in answers} <= {200, 409}
        [size] = {(small, large)[n % 2] for n, answer in enumerate(answers) if answer.status == 200}
        assert running.book.logs()[0].size == size
        assert running.add(witness.format_request(size, proof(size, large), signed(large))).status == 200


def test_what_was_cosigned_is_on_disk_before_the_answer(running: RunningWitness) -> None:
    running.book.add_log(format_vkey(KEYS[0]))
    assert running.add(witness.format_request(0, (), signed(3))).status == 200
    copy = running.home.with_name("copy")
    shutil.copytree(running.home, copy)  # what a crash at this moment would leave
    note = Book(copy).newest(log_id(ORIGIN))
    assert note is not None
    assert checkpoint.open_checkpoint(note, KEYS, [running.book.key]).cosigned
    running.stop()
    running.start()
    assert running.add(witness.format_request(0, (), signed(3))).text == "3\n"


def test_the_newest_head_is_served_and_carries_both_signatures(running: RunningWitness) -> None:
    running.book.add_log(format_vkey(KEYS[0]))
    address = f"{running.address}/{log_id(ORIGIN)}/checkpoint"
    assert ask(address).status == 404
    assert ask(f"{running.address}/{log_id('other')}/checkpoint").status == 404
    stranger = checkpoint.sign_note(signed(3).partition("\n\n")[0] + "\n", "stranger.example", OWN)
    note = checkpoint.sign_checkpoint(Checkpoint(ORIGIN, 3, root(3)), LOG, stranger)
    running.add(witness.format_request(0, (), note))
    answer = ask(address)
    opened = checkpoint.open_checkpoint(answer.text, KEYS, [running.book.key])
    assert (opened.checkpoint.size, opened.cosigned[0].key) == (3, running.book.key)
    assert "stranger" not in answer.text


def test_the_front_page_says_whose_witness_it_is_and_what_it_saw_in_both_languages(running: RunningWitness) -> None:
    running.book.add_log(format_vkey(KEYS[0]))
    assert "chưa có / none yet" in ask(running.address).text
    running.add(witness.format_request(0, (), signed(3)))
    text = ask(running.address).text
    for words in ("Bên chứng kiến", "Witness of", format_vkey(running.book.key), ORIGIN, "records: 3", log_id(ORIGIN)):
        assert words in text


def test_a_fork_is_refused_and_its_proof_is_kept(running: RunningWitness) -> None:
    running.book.add_log(format_vkey(KEYS[0]))
    running.add(witness.format_request(0, (), signed(3)))
    forked = signed(3, other=b"x" * 32)
    assert running.add(witness.format_request(3, (), forked)).status == 409
    assert running.add(witness.format_request(3, proof(3, 4), signed(4))).status == 200
    [both] = running.book.forks()  # one alone would prove nothing, and the cosigned one is no longer the newest
    seen, shown = both.removesuffix(forked).removesuffix("\n"), both[-len(forked) :]
    heads = [checkpoint.open_checkpoint(note, KEYS).checkpoint for note in (seen, shown)]
    assert [(head.size, head.root) for head in heads] == [(3, root(3)), (3, b"x" * 32)]
    assert "RẼ NHÁNH" in ask(running.address).text
    assert running.book.logs()[0].forked


def test_an_empty_log_with_records_is_a_fork_by_itself(running: RunningWitness) -> None:
    running.book.add_log(format_vkey(KEYS[0]))
    strange = signed(0, other=b"x" * 32)
    assert running.add(witness.format_request(0, (), strange)).status == 409
    assert running.book.forks() == [strange]


def test_what_is_too_large_or_no_request_at_all_is_refused(running: RunningWitness) -> None:
    running.book.add_log(format_vkey(KEYS[0]))
    assert running.add("x" * (witness.MAX_REQUEST + 1)).status == 413
    assert running.add("hello").status == 400
    assert ask(f"{running.address}/add-checkpoint").status == 405
    assert running.book.logs()[0].size == 0


def minhbach(*words: object) -> Result:
    return CliRunner().invoke(main, ["witness", *map(str, words)])


def test_the_commands_make_a_key_and_add_logs(tmp_path: Path) -> None:
    home = tmp_path / "w"
    made = minhbach("key", "--home", home, "--name", "regulator.example/w1")
    assert parse_vkey(made.output.strip()).type == checkpoint.KeyType.COSIGNATURE
    assert (home / "witness.key").stat().st_mode & 0o777 == 0o600
    for key in (LOG, NEXT):  # a second key of one origin, for rotation
        added = minhbach("add-log", "--home", home, format_vkey(checkpoint.verifier_key(ORIGIN, key)))
        assert added.output.strip() == ORIGIN
    book = Book(home)
    book.cosign(witness.format_request(0, (), signed(3, key=NEXT)).encode(), 1)
    book.cosign(witness.format_request(3, (), signed(3)).encode(), 1)


def test_the_commands_refuse_what_would_do_harm(tmp_path: Path) -> None:
    home = tmp_path / "w"
    assert "holds no witness" in minhbach("add-log", "--home", home, SIGSUM).output
    own = minhbach("key", "--home", home, "--name", "regulator.example/w1").output.strip()
    for words in (
        ("key", "--home", home, "--name", "regulator.example/w2"),  # never over an existing key
        ("key", "--home", tmp_path / "x", "--name", "two words"),
        ("add-log", "--home", home, "nonsense"),
        ("add-log", "--home", home, own),  # a witness is not a log
    ):
        assert minhbach(*words).exit_code == 1, words
    (home / "witness.key").chmod(0o644)
    assert "chmod 600" in minhbach("add-log", "--home", home, SIGSUM).output
    (home / "witness.key").unlink()
    with pytest.raises(BookError):
        Book(tmp_path / "nowhere")


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    Book.create(tmp_path, "w.example")
    (tmp_path / "witness.key").write_bytes(signature.to_pem(signature.generate("ES256")))
    with pytest.raises(BookError):
        Book(tmp_path)
