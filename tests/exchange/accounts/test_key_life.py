"""How signing keys end: with a reason and a moment, or by a successor that they vouch for themselves."""

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from contracts import canonical
from contracts import keys as crypto
from contracts.log import leaf
from exchange.accounts import key_rotation, keys
from exchange.accounts.models import SigningKey
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger.models import Outbox
from exchange.permissions import Actor
from tests.exchange.accounts.test_keys import CREDENTIAL, SECRET, add, ask, prove
from tests.exchange.people import People


def registered(session: Session, actor: Actor, now: datetime) -> tuple[SigningKey, crypto.PrivateKey]:
    private = crypto.generate()
    return add(session, actor, now, prove(ask(actor, now), private)), private


def rotate(session: Session, actor: Actor, old: SigningKey, proof: str, endorsement: str, now: datetime) -> SigningKey:
    return key_rotation.rotate_key(
        session, actor, old.id, proof=proof, endorsement=endorsement, label="Máy 2", grade="file", secret=SECRET,
        credential=CREDENTIAL, now=now,
    )  # fmt: skip


def records(session: Session) -> list[leaf.Leaf]:
    return [leaf.parse(row) for row in session.exec(select(Outbox.leaf).order_by(Outbox.id))]  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", keys.REASONS)
def test_a_revocation_says_why_and_since_when(people: People, session: Session, now: datetime, reason: str) -> None:
    actor = people.provider()
    key, _ = registered(session, actor, now)
    since, later = now + timedelta(hours=1), now + timedelta(hours=2)
    keys.revoke_key(session, actor, key.id, later, reason=reason, since=since)
    assert (key.revoked_at, key.revoked_reason, key.suspect_since) == (later, reason, since)
    record = records(session)[-1]
    assert (record.type, record.d["reason"]) == ("key.revoked", reason)
    assert record.d["since_s"] == int(since.timestamp())


def test_a_reason_or_a_moment_that_cannot_be_is_refused(people: People, session: Session, now: datetime) -> None:
    actor = people.provider()
    key, _ = registered(session, actor, now)
    later = now + timedelta(hours=2)
    for reason in ("rotated", "erased", "", "bored"):
        with pytest.raises(Refused) as refused:
            keys.revoke_key(session, actor, key.id, later, reason=reason)
        assert refused.value.code == "REVOCATION_REASON"
    for since in (now - timedelta(seconds=1), later + timedelta(seconds=1)):
        with pytest.raises(Refused) as refused:
            keys.revoke_key(session, actor, key.id, later, reason="lost", since=since)
        assert refused.value.code == "REVOCATION_SINCE"
    assert key.revoked_at is None
    keys.revoke_keys_of(session, str(actor.user_id), later)
    assert (key.revoked_reason, records(session)[-1].d["reason"]) == ("erased", "erased")


def test_a_key_vouches_for_its_successor_and_ends(people: People, session: Session, now: datetime) -> None:
    actor = people.provider()
    old, private = registered(session, actor, now)
    proof = prove(ask(actor, now), crypto.generate("ES256"), "ES256")
    endorsement = prove(proof, private, typ=key_rotation.TYP)
    new = rotate(session, actor, old, proof, endorsement, now)
    assert keys.keys_of(session, actor.org_id, active=True) == [new]
    assert (old.revoked_at, old.revoked_reason) == (now, "rotated")
    _, added, ended = records(session)
    assert (added.type, added.on[0]) == ("key.added", f"key:{new.thumbprint}")
    assert added.h["replaces"] == f"sha-256:{old.thumbprint}"
    assert added.h["endorsement"] == canonical.sha256_b64url(endorsement.encode())
    assert (ended.type, ended.on[0], ended.d["reason"]) == ("key.revoked", f"key:{old.thumbprint}", "rotated")


def test_only_the_old_key_vouches_and_only_for_this_proof(people: People, session: Session, now: datetime) -> None:
    actor, other = people.provider(), people.buyer()
    machine = Actor(None, actor.org_id, actor.kind, actor.roles, frozenset({"sign"}), "client")
    old, private = registered(session, actor, now)
    fresh = crypto.generate()
    proof = prove(ask(actor, now), fresh)
    cases = {
        prove(proof, fresh, typ=key_rotation.TYP): "ENDORSEMENT_FOREIGN",  # the new key vouches for itself
        prove(proof, private): "PROOF_MALFORMED",  # a proof of possession is no endorsement
        prove(prove(ask(actor, now), crypto.generate()), private, typ=key_rotation.TYP): "ENDORSEMENT_FOREIGN",
        prove(proof, fresh, typ=key_rotation.TYP, jwk=old.jwk): "SIGNATURE_INVALID",
        "": "PROOF_MALFORMED",
        "x" * 9_000: "PROOF_MALFORMED",
    }
    for endorsement, code in cases.items():
        with pytest.raises(Refused) as refused:
            rotate(session, actor, old, proof, endorsement, now)
        assert refused.value.code == code
    good = prove(proof, private, typ=key_rotation.TYP)
    with pytest.raises(NotFound):
        rotate(session, other, old, proof, good, now)
    with pytest.raises(NotPermitted):
        rotate(session, machine, old, proof, good, now)
    assert (old.revoked_at, len(records(session))) == (None, 1)
    keys.revoke_key(session, actor, old.id, now)
    with pytest.raises(Refused) as refused:
        rotate(session, actor, old, proof, good, now)
    assert (refused.value.code, refused.value.status) == ("KEY_REVOKED", 409)


def test_a_program_rotates_and_revokes_for_its_person(app: Flask, people: People, client: FlaskClient) -> None:
    from tests.exchange.test_doors import by_token

    database = app.extensions["minhbach.database"]

    def call(path: str, body: object = None) -> tuple[int, dict[str, str]]:
        more = {} if body is None else {"json": body}
        answer = by_token(app, database, people.provider(), "sign", "POST", f"/api/v1{path}", **more)[1]
        return answer.status_code, answer.get_json()

    assert call("/keys/nothing/revoke", {"reason": "lost"})[0] == 404
    assert call("/keys/nothing/revoke")[0] == 404
    assert call("/keys/nothing/revoke", {"reason": 1})[0] == 422
    assert call("/keys/nothing/revoke", {"since": "yesterday"})[0] == 422
    assert call("/keys/nothing/rotate", {"proof": "x", "label": "y", "grade": "file"})[0] == 422
    body = {"proof": "x", "label": "y", "grade": "file", "endorsement": "z"}
    assert call("/keys/nothing/rotate", body)[0] == 404
