"""Signing keys: nobody registers a key without holding its private half, here and now."""

import base64
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from contracts import canonical
from contracts import keys as crypto
from contracts.log import leaf
from exchange import clock
from exchange.accounts import keys
from exchange.accounts.models import SigningKey
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger.models import Entry
from exchange.permissions import Actor, OrgKind, Role
from tests.exchange.people import People

END = {"reason": "unused", "since": ""}
SECRET, CREDENTIAL = "a server's secret", "a session's token"


def prove(
    challenge: str, private: crypto.PrivateKey, alg: str = "Ed25519", *, typ: str = keys.TYP, jwk: Any = None
) -> str:
    """What keys.js or a command line does."""
    header = {"alg": alg, "jwk": jwk or crypto.public_jwk(private), "typ": typ}
    signed = f"{canonical.b64url(canonical.dumps(header))}.{canonical.b64url(challenge.encode())}"
    return f"{signed}.{canonical.b64url(crypto.make_signature(signed.encode(), private, alg))}"


def add(session: Session, actor: Actor, now: datetime, proof: str, **changes: Any) -> SigningKey:
    facts = {"label": "Máy 1", "grade": "browser", "secret": SECRET, "credential": CREDENTIAL} | changes
    return keys.add_key(session, actor, proof=proof, now=now, **facts)


def ask(actor: Actor, now: datetime) -> str:
    return keys.make_challenge(SECRET, actor, CREDENTIAL, now)


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256", "PS256"])
def test_a_key_is_added_by_proving_that_one_holds_it(people: People, session: Session, now: datetime, alg: str) -> None:
    actor, private = people.provider(), crypto.generate(alg)
    key = add(session, actor, now, prove(ask(actor, now), private, alg))
    session.commit()
    assert key.thumbprint == crypto.thumbprint(crypto.public_jwk(private))
    assert (key.org_id, key.user_id, key.alg, key.jwk) == (actor.org_id, actor.user_id, alg, crypto.public_jwk(private))
    assert "d" not in key.jwk
    with pytest.raises(Refused) as refused:
        add(session, actor, now, prove(ask(actor, now), private, alg))
    assert refused.value.code == "KEY_TAKEN"


def test_a_proof_counts_for_one_person_one_session_and_a_quarter_of_an_hour(
    people: People, session: Session, now: datetime
) -> None:
    actor, private = people.provider(), crypto.generate()
    proof = prove(ask(actor, now), private)
    for wrong in (
        lambda: add(session, people.buyer(), now, proof),
        lambda: add(session, actor, now, proof, credential="another session"),
        lambda: add(session, actor, now, proof, secret="another server"),
        lambda: add(session, actor, now, prove(ask(actor, now)[:-1] + "x", private)),
        lambda: add(session, actor, now, prove("chosen by the attacker", private)),
    ):
        with pytest.raises(Refused) as refused:
            wrong()
        assert refused.value.code == "CHALLENGE_FOREIGN"
    with pytest.raises(Refused) as refused:
        add(session, actor, now + timedelta(minutes=15), proof)
    assert refused.value.code == "CHALLENGE_EXPIRED"
    add(session, actor, now + timedelta(minutes=14), proof)


def test_somebody_elses_public_key_cannot_be_claimed(people: People, session: Session, now: datetime) -> None:
    actor, mine, theirs = people.provider(), crypto.generate(), crypto.generate()
    with pytest.raises(Refused) as refused:
        add(session, actor, now, prove(ask(actor, now), mine, jwk=crypto.public_jwk(theirs)))
    assert refused.value.code == "SIGNATURE_INVALID"


def test_a_contracts_signature_is_no_proof_and_weak_or_private_keys_are_refused(
    people: People, session: Session, now: datetime
) -> None:
    actor, private = people.provider(), crypto.generate()
    challenge = ask(actor, now)
    public = crypto.public_jwk(private)
    zero = canonical.b64url(bytes(32))
    cases = {
        prove(challenge, private, typ="minhbach-contract+jws"): "PROOF_MALFORMED",
        prove(challenge, private, jwk=public | {"d": "AA"}): "KEY_PRIVATE",
        prove(challenge, private, jwk={"kty": "OKP", "crv": "Ed25519", "x": zero}): "KEY_REFUSED",
        prove(challenge, private, jwk={"kty": "oct", "k": "AA"}): "KEY_PRIVATE",
        "": "PROOF_MALFORMED",
        "a.b": "PROOF_MALFORMED",
        "x" * 5000: "PROOF_MALFORMED",
        "é.é.é": "BASE64URL_REFUSED",
    }
    for proof, code in cases.items():
        with pytest.raises(Refused) as refused:
            add(session, actor, now, proof)
        assert refused.value.code == code
    header = canonical.b64url(canonical.dumps({"alg": "none", "jwk": public, "typ": keys.TYP}))
    with pytest.raises(Refused) as refused:
        add(session, actor, now, f"{header}.{canonical.b64url(challenge.encode())}.AA")
    assert refused.value.code == "ALGORITHM_REFUSED"
    assert session.exec(select(SigningKey)).all() == []


def test_only_signers_and_owners_manage_keys_and_a_machine_owns_none(
    people: People, session: Session, now: datetime
) -> None:
    analyst = people.make("phan-tich", OrgKind.MEMBER, Role.ANALYST)
    with pytest.raises(NotPermitted):
        add(session, analyst, now, prove(ask(analyst, now), crypto.generate()))
    owner = people.provider()
    machine = Actor(None, owner.org_id, owner.kind, owner.roles, frozenset({"sign"}), "client")
    with pytest.raises(NotPermitted):
        add(session, machine, now, prove(ask(machine, now), crypto.generate()))


def test_a_revoked_key_stays_listed_and_never_comes_back(people: People, session: Session, now: datetime) -> None:
    actor, other, private = people.provider(), people.buyer(), crypto.generate()
    key = add(session, actor, now, prove(ask(actor, now), private))
    with pytest.raises(NotFound):
        keys.revoke_key(session, other, key.id, now)
    keys.revoke_key(session, actor, key.id, now)
    first = key.revoked_event
    keys.revoke_key(session, actor, key.id, now + timedelta(days=1))
    assert (key.revoked_at, key.revoked_event) == (now, first)
    assert keys.keys_of(session, actor.org_id, active=True) == []
    assert keys.keys_of(session, actor.org_id) == [key]
    with pytest.raises(Refused):
        add(session, actor, now, prove(ask(actor, now), private))


def test_the_page_adds_and_revokes_a_key_and_both_are_in_the_tree(people: People, app: Flask, session: Session) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    browser, private = people.browser(people.provider()), crypto.generate()
    found = re.search(r'data-challenge="([^"]+)"', browser.get("/me/keys").text)
    assert found is not None
    form = {"proof": prove(found[1], private), "label": "Máy tính cơ quan", "grade": "browser"}
    assert people.browser(people.provider()).post("/me/keys", data=form).status_code == 422  # another session
    assert browser.post("/me/keys", data=form).status_code == 303
    assert "Máy tính cơ quan" in browser.get("/me/keys").text
    key_id = session.exec(select(SigningKey.id)).one()
    session.rollback()
    assert people.browser(people.buyer()).post(f"/me/keys/{key_id}/revoke", data=END).status_code == 404
    assert browser.post(f"/me/keys/{key_id}/revoke", data={"reason": "bored"}).status_code == 422
    assert browser.post(f"/me/keys/{key_id}/revoke", data=END).status_code == 303
    recorded = [leaf.parse(row) for row in session.exec(select(Entry.leaf).order_by(Entry.idx))]
    kid = crypto.thumbprint(crypto.public_jwk(private))
    subjects = (f"key:{kid}", f"org:{people.provider().org_id}")
    assert [(event.type, event.on) for event in recorded] == [("key.added", subjects), ("key.revoked", subjects)]
    assert recorded[0].h == {"key": f"sha-256:{kid}"}
    key = session.exec(select(SigningKey)).one()
    assert (key.added_event, key.revoked_event) == (recorded[0].id, recorded[1].id)


def test_a_refused_key_says_why_on_the_same_page(people: People, app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    answer = people.browser(people.provider(), lang="en").post(
        "/me/keys", data={"proof": "nonsense", "label": "Tệp", "grade": "file"}
    )
    assert answer.status_code == 422
    assert "The proof cannot be read" in answer.text
    assert "nonsense" in answer.text


def test_a_program_adds_a_key_kept_in_a_file_for_its_person(app: Flask, people: People, client: FlaskClient) -> None:
    from exchange.oauth import service
    from tests.exchange.oauth.conftest import CALLBACK, Program

    with app.extensions["minhbach.database"].writing() as writing:
        row, secret = service.create_client(
            writing, people.provider(), name="CLI", flow="person", scopes=["sign", "query"], redirect_uris=[CALLBACK],
            now=clock.now(),
        )  # fmt: skip
        writing.commit()
    made = Program(app, row, secret)
    browser = people.browser(people.provider())
    narrow = made.exchange(made.code(browser, scope="query")).get_json()["access_token"]
    wide = made.exchange(made.code(browser, scope="sign")).get_json()["access_token"]
    refused = client.post("/api/v1/keys/challenge", headers={"Authorization": f"Bearer {narrow}"})
    assert refused.status_code == 403
    header, private = {"Authorization": f"Bearer {wide}"}, crypto.generate("ES256")
    challenge = client.post("/api/v1/keys/challenge", headers=header).get_json()["challenge"]
    body = {"proof": prove(challenge, private, "ES256"), "label": "Tệp", "grade": "file"}
    added = client.post("/api/v1/keys", headers=header, json=body)
    assert added.status_code == 201
    kid = added.get_json()["thumbprint"]
    assert kid == crypto.thumbprint(crypto.public_jwk(private))
    assert [key["thumbprint"] for key in client.get("/api/v1/keys", headers=header).get_json()] == [kid]
    assert client.post("/api/v1/keys", headers=header, json=body | {"x": 1}).status_code == 422
    revoked = client.post(f"/api/v1/keys/{added.get_json()['id']}/revoke", headers=header)
    assert revoked.get_json()["revoked_at"] is not None


def test_the_header_keys_js_writes_is_the_one_we_read() -> None:
    """canonical() in keys.js sorts members as RFC 8785 does; this is the same header by the same rule in Python."""
    jwk = crypto.public_jwk(crypto.generate())
    by_hand = json.dumps({"alg": "Ed25519", "jwk": jwk, "typ": keys.TYP}, sort_keys=True, separators=(",", ":"))
    assert canonical.dumps({"alg": "Ed25519", "jwk": jwk, "typ": keys.TYP}) == by_hand.encode()
    assert base64.urlsafe_b64encode(by_hand.encode())
