"""Contracts signed by certificate: registered, trusted, graded, proved in evidence; on both databases."""

import base64
import io
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding
from flask import Flask
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from contracts import canonical, certificates, document, evidence, keys, signature, verify
from contracts.evidence import WHOLE_LOG
from contracts.log import leaf
from exchange import clock
from exchange.accounts import certificates as accounts
from exchange.accounts import keys as key_rules
from exchange.accounts import trust
from exchange.accounts.models import Organisation, SigningKey
from exchange.cli import main
from exchange.client import certificates as command
from exchange.client.paper import Credential
from exchange.config import Config
from exchange.db import Database
from exchange.errors import NotFound, NotPermitted, Refused
from exchange.ledger import service as ledger
from exchange.negotiations import agreements, standing
from exchange.negotiations.models import Contract, ContractSignature
from exchange.oversight import evidence as bundles
from exchange.permissions import Actor
from tests.contracts.authority import Authority, Certified, named
from tests.exchange.negotiations.market import Market
from tests.exchange.people import People
from tests.exchange.test_doors import by_token

SECRET, CREDENTIAL = "a server's secret", "a session's token"


class Certifying:
    """An authority whose root the exchange trusts, and the market."""

    def __init__(self, market: Market, database: Database) -> None:
        self.market, self.database = market, database
        self.root = Authority.root("Root CA", market.now)
        self.sub = self.root.under("Sub CA", market.now)
        self.do(trust.add_root, self.root.der, "licensed")
        self.load_lists()

    def do(self, use_case: Any, *arguments: Any) -> Any:
        return self.market.do(use_case, *arguments)

    def load_lists(self) -> None:
        for authority in (self.root, self.sub):
            self.do(trust.add_crl, authority.crl(self.market.now - timedelta(hours=1)))

    def signer(self, actor: Actor, **more: Any) -> Certified:
        """A certificate that states the actor's tax code."""
        with self.database.reading() as session:
            code = session.get_one(Organisation, actor.org_id).tax_code
        return self.sub.certify(named("Công ty", USER_ID=f"MST:{code}"), self.market.now, **more)

    def register(self, actor: Actor, signer: Certified, **more: Any) -> SigningKey:
        with self.database.writing() as session:
            key = add(session, actor, signer, self.market.now, **more)
            session.commit()
        self.market.sequencer.run_once()
        return key

    def entry(self, contract: Contract, signer: Certified) -> dict[str, str]:
        return signature.sign(contract.payload, signer.key, now=self.market.now, chain=signer.chain)


def add(session: Session, actor: Actor, signer: Certified, now: datetime, **more: Any) -> SigningKey:
    proof = more.pop("proof", None) or prove(key_rules.make_challenge(SECRET, actor, CREDENTIAL, now), signer)
    facts = {"label": "Token", "secret": SECRET, "credential": CREDENTIAL} | more
    return accounts.add_certificate(session, actor, proof=proof, now=now, **facts)


def prove(challenge: str, signer: Certified, *, typ: str = key_rules.TYP, key: Any = None) -> str:
    chain = [base64.b64encode(der).decode() for der in signer.chain]
    alg = keys.ALGORITHMS_OF[certificates.public_jwk(signer.der)["kty"]][0]
    header = canonical.b64url(canonical.dumps({"alg": alg, "typ": typ, "x5c": chain}))
    text = f"{header}.{canonical.b64url(challenge.encode())}"
    return f"{text}.{canonical.b64url(keys.make_signature(text.encode(), key or signer.key, alg))}"


@pytest.fixture
def certifying(market: Market, database: Database) -> Certifying:
    return Certifying(market, database)


def refused(call: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(Refused) as caught:
        call(*arguments, **more)
    return caught.value.code


def test_lists_that_come_every_few_minutes_do_not_hide_the_root_s(certifying: Certifying) -> None:
    market = certifying.market
    for minutes in range(25):
        certifying.do(trust.add_crl, certifying.sub.crl(market.now - timedelta(minutes=minutes)))
    signer = certifying.signer(market.buyer)
    certifying.register(market.buyer, signer)
    certifying.sub.revoke(signer.der, market.now - timedelta(seconds=1))
    certifying.do(trust.add_crl, certifying.sub.crl(market.now))
    with certifying.database.reading() as session, pytest.raises(certificates.CertificateError) as caught:
        trust.judge(session, signer.chain, market.now)
    assert caught.value.code == "CERTIFICATE_REVOKED"


def test_a_contract_signed_by_certificate_is_in_force_and_its_evidence_holds(
    certifying: Certifying, database: Database
) -> None:
    market, signer = certifying.market, certifying.signer(certifying.market.buyer)
    key = certifying.register(market.buyer, signer)
    assert (key.grade, key.confirmed, key.subject) == ("licensed", True, certificates.subject(signer.der))
    contract = market.agreed()
    market.do(agreements.sign, market.buyer, contract.id, certifying.entry(contract, signer))
    market.signed(contract, market.seller)
    with database.reading() as session:
        row = session.get_one(Contract, contract.id)
        assert row.active_event
        stored = {entry.org_id: entry for entry in standing.signatures_of(session, contract.id)}
        by_certificate = stored[market.buyer.org_id]
        assert (by_certificate.grade, by_certificate.form) == ("licensed", "jws")
        assert stored[market.seller.org_id].grade == "file"
        record = leaf.parse(ledger.record_of(session, by_certificate.event_id).data)
        assert record.h["trust"] == trust.in_force(session).digest
        assert {name for name in record.h if name.startswith("crl_")} == {"crl_1", "crl_2"}
        assert record.d["grade"] == "licensed"
        made = bundles.bundle_of(session, contract.id)
        assert bundles.verify(session, made).ok
        whole = io.BytesIO()
        bundles.write_whole_log(session, whole)
    for data in (made.data, whole.getvalue()):
        for roots in (None, (certifying.root.der,)):
            report = evidence.check_bytes(data, roots=roots)
            assert report.ok, report.lines[-1]
            lines = verify.Checker(io.BytesIO(data), None, None, None, list(roots) if roots else None).report()
            assert "fail" not in [line[1] for line in lines], lines[-1]
        assert not evidence.check_bytes(data, roots=()).ok
    assert WHOLE_LOG


def test_a_signature_in_a_p7s_counts_and_lies_in_the_evidence(certifying: Certifying, database: Database) -> None:
    cades = pytest.importorskip("contracts.cades")
    market, signer = certifying.market, certifying.signer(certifying.market.buyer)
    certifying.register(market.buyer, signer)
    contract = market.agreed()
    p7s = cades.sign(contract.payload, signer.chain, cades.local(signer.key), now=market.now)
    handed = {"form": "cades", "file": base64.b64encode(p7s).decode()}
    broken = {"form": "cades", "file": base64.b64encode(p7s[:-1] + bytes([p7s[-1] ^ 1])).decode()}
    assert refused(market.do, agreements.sign, market.buyer, contract.id, broken).startswith(("CADES", "SIGNATURE"))
    market.do(agreements.sign, market.buyer, contract.id, handed)
    market.signed(contract, market.seller)
    with database.reading() as session:
        assert session.get_one(Contract, contract.id).active_event
        made = bundles.bundle_of(session, contract.id)
    assert evidence.check_bytes(made.data).ok
    lines = verify.Checker(io.BytesIO(made.data), None, None, None).report()
    assert [line[1] for line in lines if line[0] == "CONTRACT"] == ["pass"], lines[-1]


def test_the_signed_pdf_counts_and_the_one_file_says_that_it_cannot_open_it(
    certifying: Certifying, database: Database
) -> None:
    pades, page = pytest.importorskip("contracts.pades"), pytest.importorskip("contracts.page")
    cades = pytest.importorskip("contracts.cades")
    market, signer = certifying.market, certifying.signer(certifying.market.buyer, alg="RS256")
    certifying.register(market.buyer, signer)
    contract = market.agreed()
    pdf = page.make(document.parse(contract.payload))
    signed = pades.sign(pdf, signer.chain, cades.local(signer.key), now=market.now)
    for data in (pdf, signed[:-2000]):
        other = {"form": "pades", "file": base64.b64encode(data).decode()}
        assert refused(market.do, agreements.sign, market.buyer, contract.id, other)
    market.do(agreements.sign, market.buyer, contract.id, {"form": "pades", "file": base64.b64encode(signed).decode()})
    market.signed(contract, market.seller)
    with database.reading() as session:
        assert session.get_one(Contract, contract.id).active_event
        made = bundles.bundle_of(session, contract.id)
        assert bundles.verify(session, made).ok
    lines = verify.Checker(io.BytesIO(made.data), None, None, None).report()
    assert [line[1] for line in lines if line[0] == "CONTRACT"] == ["not checked"]
    assert "fail" not in [line[1] for line in lines]


def test_a_certificate_must_lead_to_a_root_be_current_and_unrevoked_at_registration_and_at_signing(
    certifying: Certifying,
) -> None:
    market = certifying.market
    stranger = Authority.root("Root CA", market.now).certify(named("X"), market.now)
    assert refused(certifying.register, market.buyer, stranger) == "CERTIFICATE_UNTRUSTED"
    signer = certifying.signer(market.buyer)
    certifying.register(market.buyer, signer)
    assert refused(certifying.register, market.buyer, signer) == "KEY_TAKEN"
    contract = market.agreed()
    certifying.sub.revoke(signer.der, market.now - timedelta(minutes=1))
    certifying.do(trust.add_crl, certifying.sub.crl(market.now))
    entry = certifying.entry(contract, signer)
    assert refused(market.do, agreements.sign, market.buyer, contract.id, entry) == "CERTIFICATE_REVOKED"


def test_without_a_current_revocation_list_nobody_signs(certifying: Certifying) -> None:
    market, signer = certifying.market, certifying.signer(certifying.market.buyer)
    certifying.register(market.buyer, signer)
    contract = market.agreed()
    market.now += timedelta(days=8)
    entry = certifying.entry(contract, signer)
    assert refused(market.do, agreements.sign, market.buyer, contract.id, entry) == "CERTIFICATE_STATUS_UNKNOWN"
    certifying.load_lists()
    market.do(agreements.sign, market.buyer, contract.id, certifying.entry(contract, signer))


def test_a_root_that_is_removed_signs_no_more_and_what_it_signed_stays_proved(
    certifying: Certifying, database: Database
) -> None:
    market, signer = certifying.market, certifying.signer(certifying.market.buyer)
    certifying.register(market.buyer, signer)
    contract = market.agreed()
    market.do(agreements.sign, market.buyer, contract.id, certifying.entry(contract, signer))
    market.do(trust.remove_root, certificates.thumbprint(certifying.root.der))
    market.signed(contract, market.seller)
    with database.reading() as session:
        assert trust.roots(session) == []
        assert evidence.check_bytes(bundles.bundle_of(session, contract.id).data).ok
        assert [len(certificates.parse_trust(row.document).licensed) for row in trust.history(session)] == [0, 1]
    other = certifying.signer(market.seller)
    assert refused(certifying.register, market.seller, other) == "CERTIFICATE_UNTRUSTED"


def test_a_registered_certificate_that_is_revoked_here_signs_no_more(certifying: Certifying) -> None:
    market, signer = certifying.market, certifying.signer(certifying.market.buyer)
    key = certifying.register(market.buyer, signer)
    contract = market.agreed()
    market.do(key_rules.revoke_key, market.buyer, key.id)
    entry = certifying.entry(contract, signer)
    assert refused(market.do, agreements.sign, market.buyer, contract.id, entry) == "KEY_REVOKED"


def test_a_subject_without_the_tax_code_waits_for_the_operator(
    certifying: Certifying, people: People, database: Database
) -> None:
    market = certifying.market
    signer = certifying.sub.certify(named("Công ty", USER_ID="MST:0100109106"), market.now)  # somebody else's code
    key = certifying.register(market.buyer, signer)
    assert not key.confirmed
    contract = market.agreed()
    entry = certifying.entry(contract, signer)
    assert refused(market.do, agreements.sign, market.buyer, contract.id, entry) == "KEY_UNKNOWN"
    operator = people.operator()
    with database.writing() as session:
        assert [waiting.id for waiting, _ in accounts.waiting(session)] == [key.id]
        with pytest.raises(NotPermitted):
            accounts.confirm(session, market.buyer, key.id, market.now)
        with pytest.raises(NotFound):
            accounts.confirm(session, operator, "nothing", market.now)
    market.do(accounts.confirm, operator, key.id)
    with database.reading() as session:
        assert key.thumbprint in {
            one.thumbprint for one in key_rules.keys_of(session, market.buyer.org_id, active=True)
        }
        assert accounts.waiting(session) == []
        (record,) = ledger.find(session, ledger.Search(event="key.confirmed"))
        assert record.leaf.on == (f"key:{key.thumbprint}", f"org:{market.buyer.org_id}")


def test_the_proof_is_made_with_the_certificates_own_key_for_this_session(
    certifying: Certifying, session: Session, now: datetime
) -> None:
    market, signer = certifying.market, certifying.signer(certifying.market.buyer)
    challenge = key_rules.make_challenge(SECRET, market.buyer, CREDENTIAL, market.now)
    cases = {
        prove(challenge, signer, key=keys.generate("ES256")): "SIGNATURE_INVALID",
        prove(challenge, signer, typ="minhbach-contract+jws"): "PROOF_MALFORMED",
        prove("of the attacker", signer): "CHALLENGE_FOREIGN",
        "a.b.c": "BASE64URL_REFUSED",
        "": "PROOF_MALFORMED",
        "x" * 70_000: "PROOF_MALFORMED",
    }
    for proof, code in cases.items():
        found = refused(add, session, market.buyer, signer, market.now, proof=proof or " ")
        assert found == code, proof[:60]
    with pytest.raises(NotPermitted):
        add(session, replace(market.buyer, user_id=None), signer, market.now)


@pytest.mark.parametrize("file", [None, 7, "é", "not base64!", ""])
def test_a_file_that_is_none_is_refused(market: Market, file: Any) -> None:
    contract = market.agreed()
    handed = {"form": "cades", "file": file}
    assert refused(market.do, agreements.sign, market.buyer, contract.id, handed) in {
        "SIGNATURE_MALFORMED",
        "FILE_TOO_LARGE",
    }
    unknown = {"form": "xades", "file": "AAAA"}
    assert refused(market.do, agreements.sign, market.buyer, contract.id, unknown) == "FORM_UNKNOWN"
    more = {"form": "cades", "file": "AAAA", "protected": "x"}
    assert refused(market.do, agreements.sign, market.buyer, contract.id, more) == "SIGNATURE_MALFORMED"


def test_pages_show_who_is_trusted_and_the_operator_what_waits(
    app: Flask, certifying: Certifying, people: People
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    market = certifying.market
    browser, operator = people.browser(market.buyer, "en"), people.browser(people.operator(), "en")
    page = browser.get("/trust").text
    assert "CN=Root CA,C=VN" in page
    assert "Certificate of a licensed authority" in page
    assert "minhbach key certificate --key key.pem" in browser.get("/me/keys/certificate").text
    stray = certifying.register(market.buyer, certifying.sub.certify(named("X"), market.now))
    assert f"/trust/keys/{stray.id}/confirm" in operator.get("/trust").text
    assert f"/trust/keys/{stray.id}/confirm" not in browser.get("/trust").text
    assert "Waits for the operator" in browser.get("/me/keys").text
    assert browser.post(f"/trust/keys/{stray.id}/confirm").status_code == 403
    assert operator.post(f"/trust/keys/{stray.id}/confirm").status_code == 303
    assert "Waits for the operator" not in browser.get("/me/keys").text


def test_a_person_registers_by_a_p7s_and_signs_with_a_file_on_the_pages(
    app: Flask, certifying: Certifying, people: People
) -> None:
    cades = pytest.importorskip("contracts.cades")
    app.config["WTF_CSRF_ENABLED"] = False
    market, signer = certifying.market, certifying.signer(certifying.market.buyer)
    market.now = clock.now()
    certifying.load_lists()
    browser = people.browser(market.buyer, "en")
    challenge = re.findall(r'name="challenge" value="([^"]+)"', browser.get("/me/keys/certificate").text)[0]

    def p7s(data: bytes, name: str) -> dict[str, Any]:
        made = cades.sign(data, signer.chain, cades.local(signer.key), now=clock.now())
        return {"file": (io.BytesIO(made), name)}

    form = {"label": "Token", "challenge": challenge}
    foreign = browser.post("/me/keys/certificate", data={**form, **p7s(b"another text", "c.p7s")})
    assert foreign.status_code == 422
    assert browser.post("/me/keys/certificate", data={**form, "proof": ""}).status_code == 422
    done = browser.post("/me/keys/certificate", data={**form, **p7s(challenge.encode(), "challenge.txt.p7s")})
    assert done.status_code == 303, done.text
    contract = market.agreed()
    address = f"/contracts/{contract.id}/sign/file"
    wrong = browser.post(address, data={"file": (io.BytesIO(b"junk"), "contract.docx")})
    assert wrong.status_code == 422
    assert "Sign with a certificate in another program" in wrong.text
    assert browser.post(address, data=p7s(contract.payload, "contract.json.p7s")).status_code == 303
    shown = browser.get(f"/contracts/{contract.id}").text
    assert "Certificate of a licensed authority" in shown
    kept = browser.get(f"/contracts/{contract.id}/signatures/{market.buyer.org_id}/file")
    assert cades.open_signature(kept.data, contract.payload).chain[0] == signer.der
    assert browser.get(f"/contracts/{contract.id}/signatures/{market.seller.org_id}/file").status_code == 404


def test_programs_read_the_list_and_register_and_the_bytes_have_the_digest_of_the_log(
    app: Flask, certifying: Certifying, database: Database
) -> None:
    market, signer = certifying.market, certifying.signer(certifying.market.buyer)

    def call(method: str, path: str, **more: Any) -> Any:
        return by_token(app, database, market.buyer, "sign", method, f"/api/v1{path}", **more)[1]

    told = call("GET", "/trust").get_json()
    assert [root["grade"] for root in told["roots"]] == ["licensed"]
    assert [crl["issuer_name"] for crl in told["crls"]] == ["CN=Root CA,C=VN", "CN=Sub CA,C=VN"]
    assert told["digest"] == told["history"][0]["digest"]
    assert canonical.sha256_b64url(call("GET", "/trust/list").data) == told["digest"]
    assert call("POST", "/keys/certificate", json={"proof": "a.b.c", "label": "x"}).status_code == 422
    assert call("POST", "/keys/nothing/confirm").status_code == 403
    assert signer.der


def test_the_commands_proof_is_one_that_the_exchange_takes(certifying: Certifying, session: Session) -> None:
    market, signer = certifying.market, certifying.signer(certifying.market.buyer, alg="RS256")
    challenge = key_rules.make_challenge(SECRET, market.buyer, CREDENTIAL, market.now)
    proof = command.holder_of(Credential(signer.key, signer.chain)).proof(challenge)
    assert add(session, market.buyer, signer, market.now, proof=proof).grade == "licensed"


def test_the_trust_command_changes_the_list(
    config: Config, app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    root = Authority.root("Root CA", now)
    for name, value in (
        ("HOME", config.home),
        ("DATABASE_URL", config.database_url),
        ("LOG_ORIGIN", config.log_origin),
    ):
        monkeypatch.setenv(f"MINHBACH_{name}", str(value))
    pem, crl = tmp_path / "root.pem", tmp_path / "root.crl"
    pem.write_bytes(root.certificate.public_bytes(Encoding.PEM))
    crl.write_bytes(root.crl(now))

    def run(*words: object) -> Any:
        return CliRunner().invoke(main, ["trust", *map(str, words)])

    added = run("add", pem, "--grade", "licensed")
    assert added.exit_code == 0, added.output
    thumbprint = certificates.thumbprint(root.der)
    assert added.output.startswith(thumbprint)
    assert run("crl", crl).exit_code == 0
    listed = run("list").output
    assert thumbprint in listed
    assert "crl" in listed
    assert certificates.Trust(licensed=(root.der,)).digest in listed
    again = run("add", pem, "--grade", "organisation")
    assert again.exit_code == 1
    assert "ROOT_LISTED" in again.output
    assert run("add", crl, "--grade", "licensed").exit_code == 1
    assert run("remove", "-thumbprint-of-nothing").exit_code == 1
    assert run("remove", thumbprint).exit_code == 0
    assert thumbprint not in run("list").output


def test_a_root_must_be_one_and_is_listed_once_and_an_old_list_is_refused(certifying: Certifying) -> None:
    market = certifying.market
    assert refused(certifying.do, trust.add_root, certifying.sub.der, "licensed") == "ROOT_REFUSED"
    assert refused(certifying.do, trust.add_root, b"junk", "licensed") == "CERTIFICATE_MALFORMED"
    assert refused(certifying.do, trust.add_root, certifying.root.der, "organisation") == "ROOT_LISTED"
    assert refused(certifying.do, trust.remove_root, "nothing") == "ROOT_UNKNOWN"
    assert refused(certifying.do, trust.add_crl, certifying.root.crl(market.now - timedelta(days=30))) == "CRL_OUTDATED"
    assert refused(certifying.do, trust.add_crl, b"junk") == "CRL_MALFORMED"


def test_one_signature_of_each_form_has_exactly_its_columns(database: Database, market: Market) -> None:
    contract = market.agreed()
    market.signed(contract, market.buyer)
    with database.writing() as session:
        row = session.exec(select(ContractSignature)).one()
        row.evidence = b"x"
        session.add(row)
        with pytest.raises(IntegrityError, match="contract_signature_whole"):
            session.flush()
