"""The regulator's desk says which witnesses have seen which head, and how long ago."""

import dataclasses
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import delete

from contracts import evidence, verify
from contracts.log import witness
from contracts.log.checkpoint import KeyType, cosign_note, format_vkey, parse_checkpoint, parse_note, verifier_key
from contracts.log.policy import check_policy, parse_policy
from contracts.log.proof import parse_proof
from exchange import audit, clock
from exchange.config import Config
from exchange.db import Database
from exchange.ledger import service
from exchange.ledger.models import Cosignature
from exchange.ledger.witnesses import Witnesses
from exchange.negotiations.models import Contract
from exchange.permissions import Actor
from tests.exchange.deliveries.goods import Goods
from tests.exchange.oversight.test_evidence import fetched
from tests.exchange.people import People

NAMES = ("regulator", "bank", "union")


@pytest.fixture
def asked(app: Flask, config: Config, database: Database, now: datetime, tmp_path: Path) -> None:
    """Three witnesses are asked: one has just cosigned, one an hour ago, one never."""
    keys = [Ed25519PrivateKey.from_private_bytes(name[:1].encode() * 32) for name in NAMES]
    lines = [
        f"witness {name} {format_vkey(verifier_key(f'{name}.example', key, KeyType.COSIGNATURE))} https://{name}.example"
        for name, key in zip(NAMES, keys, strict=True)
    ]
    (tmp_path / "policy").write_text("\n".join([*lines, "quorum none"]) + "\n")
    settings = dataclasses.replace(config, witness_policy=tmp_path / "policy")
    app.extensions["minhbach.witnesses"] = Witnesses(database, settings)
    with database.writing() as session:
        for name, size, minutes in (("regulator", 1234, 5), ("bank", 7, 60)):
            seen = int((now - timedelta(minutes=minutes)).timestamp())
            session.add(Cosignature(size=size, witness=f"{name}.example", line="— line", seen_s=seen))
        session.commit()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("vi", ["Bên chứng kiến", "Đúng hạn", "5 phút trước", "Chậm", "1 giờ trước", "Chưa có", "1.234", "08:55"]),
        ("en", ["Witnesses", "Up to date", "5 minutes ago", "Late", "1 hour ago", "Not yet", "1,234", "08:55"]),
    ],
)
def test_each_witness_is_fresh_late_or_never(asked: None, people: People, lang: str, words: list[str]) -> None:
    page = people.browser(people.regulator(), lang).get("/oversight").text
    aside = page[page.index("<aside") :]
    assert [word for word in (*NAMES, *words) if word not in aside] == []


@pytest.mark.parametrize(
    ("lang", "words"),
    [("vi", ["Đồng hồ chạy nhanh", "chạy nhanh hơn đồng hồ của sàn"]), ("en", ["Clock ahead", "is ahead of ours"])],
)
def test_a_witness_whose_clock_is_ahead_is_not_called_up_to_date(
    asked: None, people: People, now: datetime, lang: str, words: list[str]
) -> None:
    with clock.frozen(now - timedelta(minutes=7)):
        page = people.browser(people.regulator(), lang).get("/oversight").text
    aside = page[page.index("<aside") :]
    assert [word for word in words if word not in aside] == []


def test_a_contracts_story_counts_the_witnesses_of_its_head(
    asked: None, goods: Goods, case: Contract, official: FlaskClient, database: Database
) -> None:
    size = cosign_newest(database)
    page = official.get(f"/oversight/contracts/{case.id}?lang=en").text
    assert f"{size} records, 1 witnesses" in page


@pytest.fixture
def quorum(asked: None, app: Flask, config: Config, database: Database, tmp_path: Path, goods: Goods, case: Contract,
           people: People) -> int:  # fmt: skip
    """The regulator's cosignature is asked for; it has seen the head of so many records, and nothing newer."""
    text = (tmp_path / "policy").read_text().replace("quorum none", "quorum regulator")
    (tmp_path / "policy").write_text(text)
    app.extensions["minhbach.witnesses"] = Witnesses(
        database, dataclasses.replace(config, witness_policy=tmp_path / "policy")
    )
    with database.writing() as session:
        session.exec(delete(Cosignature))  # of heads that are not here
        session.commit()
    seen = cosign_newest(database)
    goods.do(lambda session, now: audit.record(session, "policy.changed", None, on=["policy:x"], now=now))
    goods.sequencer.run_once()
    with database.reading() as session:
        newest = service.head(session)
        assert newest is not None
        assert newest.size > seen
    return seen


def cosign_newest(database: Database) -> int:
    """The regulator's witness has seen the newest head; its size."""
    with database.writing() as session:
        head = service.head(session)
        assert head is not None
        key = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
        line = cosign_note(parse_note(head.note).text, "regulator.example", key, 1_790_000_000)
        text = witness.format_answer(line).rstrip("\n")
        session.add(Cosignature(size=head.size, witness="regulator.example", line=text, seen_s=1_790_000_000))
        session.commit()
    return head.size


@pytest.mark.parametrize("address", ["/oversight/contracts/{}/evidence.zip", "/oversight/log/evidence.zip"])
def test_evidence_that_leaves_has_the_witnesses_that_its_readers_policy_asks_for(
    quorum: int, official: FlaskClient, client: FlaskClient, case: Contract, address: str
) -> None:
    policy = client.get("/log/keys").text
    data = fetched(official.get(address.format(case.id)))
    report = evidence.check_bytes(data, policy)
    assert report.ok, report.plain()
    assert all(result != "fail" for _, result, *_ in verify.Checker(io.BytesIO(data), policy, None, None).report())


def test_a_proof_has_the_witnesses_that_the_policy_asks_for(
    quorum: int, client: FlaskClient, case: Contract, database: Database
) -> None:
    policy = parse_policy(client.get("/log/keys").text)
    found = parse_proof(client.get(f"/log/proof?event={case.agreed_event}").text)
    assert check_policy(policy, found.checkpoint).checkpoint.size == quorum
    with database.reading() as session:
        [newer] = service.find(session, service.Search(limit=1))
    found = parse_proof(client.get(f"/log/proof?event={newer.id}").text)
    assert parse_checkpoint(parse_note(found.checkpoint).text).size > quorum, "no witness has seen it yet"


def test_without_a_witness_the_desk_says_what_that_means(people: People) -> None:
    page = people.browser(people.regulator(), "en").get("/oversight").text
    assert "No witness is configured" in page
    assert "Nobody outside the exchange confirms yet" in page
    assert "Two histories" not in page


def test_two_histories_are_told_at_once(asked: None, app: Flask, people: People, config: Config) -> None:
    note = "log.test/2026\n99\n" + "A" * 43 + "=\n\n— log.test/2026 AAAAAAA=\n"
    (config.home / "witnessed_head").write_text(note)
    page = people.browser(people.regulator(), "vi").get("/oversight").text
    assert "Nhật ký có hai lịch sử khác nhau" in page


def test_programs_are_told_too(
    asked: None, goods: Goods, official: FlaskClient, people: People, token: Callable[[Actor, str], dict[str, str]],
    client: FlaskClient,
) -> None:  # fmt: skip
    answer = client.get("/api/v1/oversight/log", headers=token(people.regulator(), "audit"))
    assert answer.status_code == 200, answer.text
    told = {one["name"]: (one["size"], one["state"]) for one in answer.get_json()["witnesses"]}
    assert told == {"regulator": (1234, "fresh"), "bank": (7, "late"), "union": (None, "never")}
    assert answer.get_json()["witnesses"][0]["seen"] == (clock.now() - timedelta(minutes=5)).isoformat()
