"""The ``minhbach`` command against a real server: the whole journey, and what it refuses by itself."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlmodel import select

from contracts import document
from contracts.log.checkpoint import format_vkey, verifier_key
from contracts.signature import from_pem
from exchange import clock
from exchange.app import create_app
from exchange.cli import main
from exchange.client import connection, fetch, words
from exchange.client.desk import clean, language_of
from exchange.client.files import Credentials, read_credentials
from exchange.client.trial import table
from exchange.config import Config
from exchange.negotiations.models import Contract
from sandbox.trial import Verb
from tests.contracts.story import POLICY, jws, whole_story, write
from tests.exchange.catalogue.conftest import COMPLETE, CSV
from tests.exchange.oauth.conftest import allow
from tests.exchange.people import People
from tests.exchange.running import Member, Running, named


@dataclass
class Floor:
    """A running exchange with its people at their terminals."""

    app: Flask
    people: People
    running: Running
    seller: Member
    buyer: Member
    operator: Member

    def with_keys(self) -> None:
        """Both sides make a key and register it, as persons."""
        for member in (self.seller, self.buyer):
            member.does("key", "new", member.folder / "key.pem")
            assert register(self, member).returncode == 0

    def as_operator(self) -> connection.Connection:
        """The operator's program."""
        credentials = read_credentials(self.operator.folder / "machine.json")
        return connection.Connection(self.running.address, credentials, "moderate", "en")

    def published(self, content: bytes = CSV, **offered: object) -> str:
        """A listing that the operator has approved."""
        seller = self.seller
        data, offer = seller.file("cảng.csv", content), seller.file("offer.json", COMPLETE | offered)
        listing = named("Draft", seller.does("publish", data, "--offer", offer, "--submit"))
        self.as_operator().call("POST", f"/listings/{listing}/approve", {"personal_data_checked": True})
        return listing

    def drawn(self, content: bytes = CSV, **offered: object) -> str:
        """A contract that nobody has signed."""
        self.with_keys()
        asked = self.buyer.does(
            "request", self.published(content, **offered), "--terms", self.buyer.file("wish.json", wish())
        )
        negotiation = named("Negotiation", asked)
        return named("Contract", self.seller.does("negotiate", "agree", negotiation, "--yes"))


def wish() -> dict[str, object]:
    """A request that starts today."""
    today = clock.now().astimezone(clock.VIETNAM).date()
    return {
        "purpose": "Phân tích nội bộ", "scenario": "Bảng theo dõi cảng", "territory": ["VN"],
        "starts": today.isoformat(), "ends": (today + timedelta(days=90)).isoformat(),
    }  # fmt: skip


@pytest.fixture
def floor(tmp_path: Path, sqlite_template: Path) -> Iterator[Floor]:
    """The exchange on a loopback port, by the machine's own clock."""
    shutil.copy(sqlite_template, tmp_path / "exchange.sqlite")
    running = Running()
    environ = {
        "MINHBACH_HOME": str(tmp_path / "home"), "MINHBACH_BASE_URL": running.address,
        "MINHBACH_DATABASE_URL": f"sqlite:///{tmp_path / 'exchange.sqlite'}", "MINHBACH_LOG_ORIGIN": "log.test/2026",
    }  # fmt: skip
    app = create_app(Config.from_environ(environ))
    running.start(app)
    people = People(app, app.extensions["minhbach.database"])
    members = [
        Member(people, people.provider(), running.address, tmp_path / "seller"),
        Member(people, people.buyer(), running.address, tmp_path / "buyer"),
        Member(people, people.operator(), running.address, tmp_path / "operator", ("moderate",)),
    ]
    yield Floor(app, people, running, *members)
    running.stop()
    app.extensions["minhbach.database"].dispose()


def register(floor: Floor, member: Member, decision: str = "allow") -> subprocess.CompletedProcess[str]:
    """``minhbach key register`` of the member's key file."""
    return as_person(floor, member, "register", member.folder / "key.pem", "--label", "Máy bàn", decision=decision)


def as_person(
    floor: Floor, member: Member, *words: object, decision: str = "allow", **env: str
) -> subprocess.CompletedProcess[str]:
    """``minhbach key`` with these words, in a process of its own, while the person answers in their browser."""
    command = [sys.executable, "-c", "from exchange.cli import main; main()", "key", *map(str, words)]
    command += ["--client", str(member.register("person")), "--server", floor.running.address, "--lang", "en"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **env}
    )
    assert process.stderr is not None
    while "/oauth/authorize?" not in (line := process.stderr.readline()):
        assert line, "the command ended without showing an address"
    browser = floor.people.browser(member.actor)
    back = allow(browser, line.strip().removeprefix(floor.running.address), decision).location
    with urlopen(back, timeout=10) as answer:
        assert answer.status == 200
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


# -- the journey ---------------------------------------------------------------------------------------------------


BAD = {"penalty_percent": 9}


def test_from_a_file_to_a_signed_contract_and_back_to_the_file(floor: Floor) -> None:
    seller, buyer = floor.seller, floor.buyer
    floor.with_keys()
    listing = floor.published()
    assert "can be sent" in buyer.does("request", listing, "--terms", buyer.file("wish.json", wish()), "--check")
    asked = buyer.does("request", listing, "--terms", buyer.file("wish.json", wish()))
    negotiation = named("Negotiation", asked)
    assert "REQUESTED" in asked
    assert "12500000" in seller.does("negotiate", "show", negotiation)
    changes = seller.file("counter.json", {"price_vnd": 9_000_000, "note": "Giảm giá"})
    checked = seller.does("negotiate", "counter", negotiation, "--terms", changes, "--check")
    assert "Clause 11, Price: VND 12,500,000 → VND 9,000,000" in checked
    assert "Nothing was sent." in checked
    wrong = seller.run("negotiate", "counter", negotiation, "--terms", seller.file("x.json", BAD), "--check")
    assert wrong.exit_code != 0
    assert "at most 8 is accepted" in wrong.output
    assert "OFFERED" in seller.does("negotiate", "counter", negotiation, "--terms", changes)
    assert "ACCEPTED" in buyer.does("negotiate", "accept", negotiation, "--yes")
    contract = named("Contract", seller.does("negotiate", "agree", negotiation, "--yes"))

    first = seller.does("sign", contract, "--key", seller.folder / "key.pem", "--yes")
    assert "Clause 22." in first
    assert "VND 9,000,000" in first
    assert re.search(r"contract.signed]: record \d+ of \d+ in the log log.test/2026; the proof was checked", first)
    assert f"Still to sign: {buyer.actor.org_id}" in first
    policy = buyer.file("policy.txt", urlopen(f"{floor.running.address}/log/keys").read())
    second = buyer.does("sign", contract, "--key", buyer.folder / "key.pem", "--yes", "--policy", policy)
    assert "contract.active]: record" in second
    assert "ACTIVE" in second
    assert "the log's key came from" not in second.lower()
    assert "contract.active]: record" in seller.does("receipt", contract, "--policy", policy)

    fetched = buyer.does("download", contract, "-o", buyer.folder / "data")
    assert (buyer.folder / "data" / "cảng.csv").read_bytes() == CSV
    assert "digest as in the signed contract" in fetched
    assert buyer.run("download", contract, "-o", buyer.folder / "data").exit_code == 0  # whole already: nothing is lost
    assert seller.run("download", contract, "-o", seller.folder / "data").exit_code == 1


def test_a_contract_is_suspended_changed_ended_and_its_data_destroyed(floor: Floor) -> None:
    seller, buyer, contract = floor.seller, floor.buyer, floor.drawn()
    for member in (seller, buyer):
        member.does("sign", contract, "--key", member.folder / "key.pem", "--yes")
    why = ("--code", "security", "--reason", "Sự cố máy chủ", "--yes")
    held = seller.does("contract", "suspend", contract, *why)
    assert "SUSPENDED" in held
    assert "the seller, a security or data incident. Sự cố máy chủ" in held
    assert "the seller, a security" in buyer.does("contract", "show", contract)
    assert buyer.run("download", contract, "-o", buyer.folder / "data").exit_code == 1
    assert "NOT_YOUR_SUSPENSION" in buyer.run("contract", "resume", contract, "--reason", "x").output
    assert "ACTIVE" in seller.does("contract", "resume", contract, "--reason", "Đã khắc phục")
    changes = buyer.file("changes.json", {"max_deliveries": 50, "note": "Cần thêm lượt"})
    assert "REQUESTED" in buyer.does("contract", "amend", contract, "--terms", changes)
    assert "max_deliveries" in seller.does("contract", "show", contract)
    assert "REQUEST_ALREADY_OPEN" in seller.run("contract", "renew", contract).output
    end = ("contract", "end", contract, "--code", "fulfilled", "--reason", "Đã xong", "--yes")
    ended = buyer.does(*end)
    assert "ENDED" in ended
    assert "OWED" in ended
    today = clock.now().astimezone(clock.VIETNAM).date().isoformat()
    stated = buyer.does("contract", "destroyed", contract, "--key", buyer.folder / "key.pem", "--on", today, "--yes")
    assert "Made the statement sha-256:" in stated
    assert "STATED" in stated
    assert "ACKNOWLEDGED" in seller.does("contract", "answer", contract, "acknowledged")
    assert "duty.acknowledged]: record" in buyer.does("receipt", contract)


def test_the_reader_chooses_the_language(floor: Floor) -> None:
    offer = floor.seller.file("offer.json", COMPLETE | {"price_vnd": -1})
    data = floor.seller.file("data.csv", CSV)
    english = floor.seller.run("publish", data, "--offer", offer)
    vietnamese = floor.seller.run("publish", data, "--offer", offer, "--lang", "vi")
    assert english.exit_code == vietnamese.exit_code == 1
    assert "price_vnd: The price is a whole number" in english.output
    assert "price_vnd: Giá" in vietnamese.output
    assert "request id" in english.output
    assert "mã yêu cầu" in vietnamese.output


def test_every_missing_field_is_told_with_its_basis(floor: Floor) -> None:
    offer = floor.seller.file("offer.json", {"name": "Chỉ có tên"})
    result = floor.seller.run("publish", floor.seller.file("data.csv", CSV), "--offer", offer, "--submit")
    assert result.exit_code == 1
    assert result.output.count("✗ ") > 5
    assert "basis: Decree 314/2026" in result.output
    listing = named("Draft", result.output)  # the draft is kept: the same command goes on with it
    whole = floor.seller.file("whole.json", COMPLETE)
    again = floor.seller.does("publish", floor.seller.folder / "data.csv", "--offer", whole, "--listing", listing,
                              "--submit")  # fmt: skip
    assert "Version 1" in again


# -- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "PS256"])
def test_a_new_key_is_its_owners_alone_and_never_overwritten(tmp_path: Path, alg: str) -> None:
    path = tmp_path / "key.pem"
    made = CliRunner().invoke(main, ["key", "new", str(path), "--alg", alg, "--lang", "en"])
    assert made.exit_code == 0, made.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    from_pem(before)
    again = CliRunner().invoke(main, ["key", "new", str(path), "--lang", "en"])
    assert again.exit_code == 1
    assert "exists already" in again.output
    assert path.read_bytes() == before


def test_a_password_protects_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    made = CliRunner().invoke(main, ["key", "new", str(path), "--encrypt"], input="bí mật\nbí mật\n")
    assert made.exit_code == 0, made.output
    assert b"ENCRYPTED" in path.read_bytes()
    from_pem(path.read_bytes(), "bí mật".encode())


def test_a_key_belongs_to_a_person(floor: Floor) -> None:
    seller = floor.seller
    seller.does("key", "new", seller.folder / "key.pem")
    result = seller.run("key", "register", seller.folder / "key.pem", "--label", "x")
    assert result.exit_code == 1
    assert "belongs to a person" in result.output
    denied = register(floor, seller, "deny")
    assert denied.returncode == 1
    assert "gives no access" in denied.stderr
    assert register(floor, seller).returncode == 0
    twice = register(floor, seller)
    assert twice.returncode == 1
    assert "KEY_TAKEN" in twice.stderr


@pytest.mark.parametrize("name", ["machine.json", "key.pem"])
def test_secrets_that_others_can_read_are_not_used(floor: Floor, name: str) -> None:
    floor.seller.does("key", "new", floor.seller.folder / "key.pem")
    (floor.seller.folder / name).chmod(0o640)
    result = floor.seller.run("key", "register", floor.seller.folder / "key.pem", "--label", "x")
    assert result.exit_code == 1
    assert "chmod 600" in result.output


# -- what is not signed --------------------------------------------------------------------------------------------


def test_a_key_that_the_contract_does_not_name_signs_nothing(floor: Floor) -> None:
    contract = floor.drawn()
    other = floor.seller.folder / "other.pem"
    floor.seller.does("key", "new", other)
    result = floor.seller.run("sign", contract, "--key", other, "--yes")
    assert result.exit_code == 1
    assert "does not name this key" in result.output
    borrowed = floor.seller.run("sign", contract, "--key", floor.buyer.folder / "key.pem", "--yes")
    assert "does not name this key" in borrowed.output
    assert floor.seller.does("receipt", contract).count("contract.signed") == 0


def test_saying_no_signs_nothing(floor: Floor) -> None:
    contract = floor.drawn()
    result = floor.seller.run("sign", contract, "--key", floor.seller.folder / "key.pem")
    assert result.exit_code == 1
    assert floor.seller.does("receipt", contract).count("contract.signed") == 0


def test_a_document_that_was_changed_is_not_signed(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = floor.drawn()
    real = document.parse(stored(floor, contract).payload)
    dearer = document.build(
        id=real.id, created=real.created, nonce=b"0" * 16, parties=real.parties, assets=real.assets,
        terms=replace(real.terms, price_vnd=99_000_000), log=real.log,
    )  # fmt: skip
    change(floor, contract, dearer.payload)
    assert "is not the one that the exchange recorded" in refused_signature(floor, contract)
    change(floor, contract, dearer.payload, dearer.hash)  # a server that lies everywhere about this contract
    assert "are not the negotiated ones" in refused_signature(floor, contract)
    flipped = real.payload.replace(b"12500000", b"12500001", 1)
    monkeypatch.setattr(connection.Connection, "fetch", lambda _self, _path: flipped)
    assert "DOCUMENT_CONTRADICTS" in refused_signature(floor, contract)


def test_terms_that_the_signer_noted_down_bind(floor: Floor) -> None:
    contract = floor.drawn()
    key = floor.seller.folder / "key.pem"
    result = floor.seller.run("sign", contract, "--key", key, "--yes", "--terms-hash", "sha-256:" + "A" * 43)
    assert result.exit_code == 1
    assert "are not the negotiated ones" in result.output
    terms = document.parse(stored(floor, contract).payload).terms.hash
    floor.seller.does("sign", contract, "--key", key, "--yes", "--terms-hash", terms)
    twice = floor.seller.run("sign", contract, "--key", key, "--yes")
    assert twice.exit_code == 1
    assert "SIGNATURE_REPEATED" in twice.output


def test_a_log_key_that_is_not_trusted_proves_nothing(floor: Floor) -> None:
    contract = floor.drawn()
    foreign = format_vkey(verifier_key("log.test/2026", Ed25519PrivateKey.generate()))
    policy = floor.seller.file("policy.txt", f"log {foreign}\nquorum none\n".encode())
    result = floor.seller.run("receipt", contract, "--policy", policy)
    assert result.exit_code == 1
    assert "proof for contract.agreed does not hold" in result.output


def stored(floor: Floor, contract: str) -> Contract:
    with floor.people.database.reading() as session:
        return session.exec(select(Contract).where(Contract.id == contract)).one()


def change(floor: Floor, contract: str, payload: bytes, sha256: str | None = None) -> None:
    with floor.people.database.writing() as session:
        row = session.get_one(Contract, contract)
        row.payload, row.sha256 = payload, sha256 or row.sha256
        session.commit()


def refused_signature(floor: Floor, contract: str) -> str:
    result = floor.seller.run("sign", contract, "--key", floor.seller.folder / "key.pem", "--yes")
    assert result.exit_code == 1
    return result.output


# -- downloads -----------------------------------------------------------------------------------------------------


def active(floor: Floor, content: bytes = CSV, **offered: object) -> str:
    contract = floor.drawn(content, **offered)
    for member in (floor.seller, floor.buyer):
        member.does("sign", contract, "--key", member.folder / "key.pem", "--yes")
    return contract


def test_a_broken_download_goes_on_and_wrong_bytes_are_not_kept(floor: Floor) -> None:
    contract = active(floor)
    folder = floor.buyer.folder / "data"
    folder.mkdir()
    digest = document.parse(stored(floor, contract).payload).assets[0].sha256
    part = folder / f".{digest.removeprefix('sha-256:')[:16]}.part"
    part.write_bytes(CSV[:20])
    floor.buyer.does("download", contract, "-o", folder)
    assert (folder / "cảng.csv").read_bytes() == CSV
    assert not part.exists()
    (folder / "cảng.csv").unlink()
    part.write_bytes(b"X" * 20)  # somebody else's beginning
    result = floor.buyer.run("download", contract, "-o", folder)
    assert result.exit_code == 1
    assert "It was deleted" in result.output
    assert list(folder.iterdir()) == []
    (folder / "cảng.csv").write_bytes(b"my own notes")
    assert "exists already" in floor.buyer.run("download", contract, "-o", folder).output
    assert (folder / "cảng.csv").read_bytes() == b"my own notes"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("../../etc/passwd", "passwd"), ("..\\x.csv", "x.csv"), (".env", "env"), ("a\u202eb", "ab"), ("..", "data")],
)  # fmt: skip
def test_a_files_name_leads_nowhere(given: str, kept: str) -> None:
    assert fetch.plain_name(given) == kept


# -- evidence ------------------------------------------------------------------------------------------------------


def test_a_bundle_is_checked_without_asking_anybody(tmp_path: Path) -> None:
    log, contract, entries = whole_story()
    good = write(log, [jws(contract, entries)])
    (tmp_path / "policy").write_text(POLICY)
    (tmp_path / "good.zip").write_bytes(good)
    (tmp_path / "bad.zip").write_bytes(good[:300] + bytes([good[300] ^ 1]) + good[301:])
    for name, code, said in (("good", 0, "RESULT: the bundle holds."), ("bad", 1, "does NOT hold")):
        words = ["verify", str(tmp_path / f"{name}.zip"), "--policy", str(tmp_path / "policy"), "--lang", "en"]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code
        assert said in result.output


# -- the test room -------------------------------------------------------------------------------------------------


def test_a_question_in_a_test_room_is_answered_and_a_refused_one_teaches(floor: Floor, tmp_path: Path) -> None:
    rows = "".join(f"{['Sài Gòn', 'Hải Phòng'][n % 2]},{n % 7}\n" for n in range(400))
    listing = floor.published(f"cang,so_tan\n{rows}".encode())
    today = clock.now().astimezone(clock.VIETNAM).date()
    facts = {
        "cert_no": "01/GCN", "authority": "UBND", "valid_from": today.isoformat(), "valid_to": today.isoformat(),
        "level": 2, "sectors": ["logistics"], "classes": ["TC"], "verbs": [verb.value for verb in Verb],
        "territory": ["VN"], "notice_version": "1",
    }  # fmt: skip
    floor.as_operator().call("POST", "/trial", facts)
    floor.buyer.does("trial", "enrol", "--notice", "1", "--degree", "it", "--years", "3")
    shown = floor.buyer.does("room", listing, "--accept-notice", "1")
    room = named("Test room", shown)
    assert "SELECT" in shown
    answer = floor.buyer.does("query", room, "SELECT cang, COUNT(*) AS n FROM data GROUP BY cang")
    assert re.search(r"Hải Phòng +\d+", answer)
    assert "log record" in answer
    refused = floor.buyer.run("query", room, "SELECT * FROM data")
    assert refused.exit_code == 1
    assert "what passes" in refused.output
    kept = tmp_path / "answer.receipt"
    told = floor.buyer.does("query", room, "SELECT COUNT(*) AS n FROM data", "--json", "--receipt", str(kept))
    told = told[told.index("{\n") :]  # the server of this test logs into the same output
    assert json.loads(told)["columns"] == ["n"]
    assert kept.read_text().strip() == json.loads(told)["signed_receipt"]
    assert "This question passes" in floor.buyer.does("query", room, "SELECT COUNT(*) AS n FROM data", "--check")
    barred = floor.buyer.run("query", room, "SELECT cang, max(so_tan) FROM data GROUP BY 1", "--check")
    assert barred.exit_code == 1
    assert "The nearest question that is allowed" in barred.output
    assert "Generated rows" in floor.buyer.does(
        "query", room, "SELECT cang, COUNT(*) AS n FROM data GROUP BY cang", "--twin"
    )
    assert floor.buyer.does("query", room).count("SELECT") == 3, "what was asked, and nothing that was only tried"


def test_a_contract_that_gives_answers_only_is_asked_by_its_number(floor: Floor) -> None:
    rows = "".join(f"{['Sài Gòn', 'Hải Phòng'][n % 2]},{n % 7}\n" for n in range(400))
    terms = {"licence": "L2", "max_queries": 2, "min_group": 20, "max_deliveries": None}
    contract = active(floor, f"cang,so_tan\n{rows}".encode(), **terms)
    assert "SELECT" in floor.buyer.does("room", "--contract", contract)
    for sql in ("SELECT cang, COUNT(*) AS n FROM data GROUP BY cang", "SELECT COUNT(*) AS n FROM data"):
        assert "log record" in floor.buyer.does("query", "--contract", contract, sql)
    spent = floor.buyer.run("query", "--contract", contract, "SELECT AVG(so_tan) AS a FROM data")
    assert spent.exit_code == 1
    assert "clause 13 of the contract" in spent.output


def test_a_provider_sets_the_rules_of_test_rooms(floor: Floor, tmp_path: Path) -> None:
    listing = floor.published(("cang,so_tan\n" + "".join(f"{n % 3},{n}\n" for n in range(400))).encode())
    shown = floor.seller.does("test-room", "design", listing)
    answers = json.loads(shown[shown.index("{\n") : shown.index("\n}") + 2])
    file = tmp_path / "answers.json"
    file.write_text(json.dumps({**answers, "min_group": 30}), encoding="utf-8")
    tried = floor.seller.does("test-room", "design", listing, "--set", str(file), "--try", "SELECT COUNT(*) FROM data")
    assert "Generated rows" in tried
    assert "version 1" in floor.seller.does("test-room", "design", listing, "--set", str(file))
    assert "default is in force" in floor.seller.does("test-room", "design", listing, "--default")


def test_an_answer_is_a_table() -> None:
    assert (
        table(("hub", "n"), [("Đà Nẵng", 12), (None, {"decimal": "1.50"})]) == "hub      n\nĐà Nẵng  12\n—        1.50"
    )


# -- the connection ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["http://exchange.vn", "ftp://127.0.0.1", "https://u@exchange.vn", "exchange.vn"])
def test_secrets_travel_over_https_only(address: str) -> None:
    with pytest.raises(words.ClientError) as error:
        connection.checked_address(address)
    assert error.value.code == "SERVER_ADDRESS"


def test_a_wrong_secret_an_absent_server_and_a_missing_setting_are_told(floor: Floor) -> None:
    path = floor.seller.folder / "machine.json"
    held = json.loads(path.read_text())
    path.write_text(json.dumps(held | {"client_secret": "wrong"}))
    terms = floor.seller.file("wish.json", wish())
    assert "gives no access" in floor.seller.run("request", "x", "--terms", terms).output
    absent = floor.seller.run("request", "x", "--terms", terms, MINHBACH_SERVER="http://127.0.0.1:9")
    assert "No connection to http://127.0.0.1:9" in absent.output
    assert "MINHBACH_SERVER" in floor.seller.run("request", "x", "--terms", terms, MINHBACH_SERVER=None).output


def test_a_big_file_is_sent_in_pieces(tmp_path: Path) -> None:
    got: list[int] = []

    class Counting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(b'{"access_token": "t", "expires_in": 3600}')

        def do_PUT(self) -> None:
            left = int(self.headers["Content-Length"])
            while left:
                left -= (read := len(self.rfile.read(min(left, 65_536))))
                got.append(read)
            self.answer(b"{}")

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    big = tmp_path / "big.csv"
    with big.open("wb") as file:
        file.truncate(64 * 1024**2)
    told: list[int] = []
    with HTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        asked = connection.Connection(
            f"http://127.0.0.1:{server.server_port}", Credentials("c", "s"), "catalogue", "en"
        )
        tracemalloc.start()
        asked.send_file("/listings/x/file", big, told.append)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        server.shutdown()
    assert sum(got) == sum(told) == 64 * 1024**2
    assert peak < 8 * 1024**2


def test_text_from_a_server_commands_no_terminal() -> None:
    assert clean("a\x1b[2Jb\u202ec\nd") == "a\ufffd[2Jb\ufffdc\nd"


@pytest.mark.parametrize(
    ("environ", "lang"),
    [({}, "vi"), ({"LANG": "C.UTF-8"}, "vi"), ({"LANG": "en_GB"}, "en"), ({"LANG": "en_GB", "LC_ALL": "vi_VN"}, "vi")],
)  # fmt: skip
def test_the_language_follows_the_terminal(environ: dict[str, str], lang: str) -> None:
    assert language_of(environ) == lang


def test_every_sentence_exists_twice_with_the_same_facts() -> None:
    for code, (vietnamese, english) in words.SENTENCES.items():
        assert set(re.findall(r"\{(\w+)\}", vietnamese)) == set(re.findall(r"\{(\w+)\}", english)), code
        assert vietnamese != english or not re.sub(r"\{\w+\}|\W", "", english), code
