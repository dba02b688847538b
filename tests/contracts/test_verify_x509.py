"""Signatures by certificate in an evidence file, before both checkers."""

import base64
import hashlib
import io
from datetime import timedelta

import pytest

from contracts import canonical, certificates, document, evidence, evidence_x509, forms, signature, verify
from contracts.certificates import Trust
from contracts.evidence import WHOLE_LOG, Extras
from tests.contracts import story
from tests.contracts.authority import Authority, named
from tests.contracts.story import CONTRACT, POLICY

NOW = story.NOW
DAY = timedelta(days=1)
TRUST_SUBJECT = "policy:trust"


class World:
    """A log in which the buyer signs by certificate; each test bends one thing before `bundle`."""

    def __init__(self, alg="ES256"):
        self.root = Authority.root("Root CA", NOW)
        self.sub = self.root.under("Sub CA", NOW)
        self.own = Authority.root("Own CA", NOW)
        self.signer = self.sub.certify(named("B", USER_ID="MST:0300588569"), NOW, alg=alg)
        self.trust = Trust(licensed=(self.root.der,), organisation=(self.own.der,))
        self.crls = [self.sub.crl(NOW - DAY), self.root.crl(NOW - DAY)]
        self.grade = "licensed"
        self.form = None
        self.hashes = None
        self.listed_late = False
        self.revoked_before = None

    def bundle(self, scope=WHOLE_LOG):
        log = story.begin()
        if not self.listed_late:
            self.list_roots(log)
        contract = self.contract(log)
        if self.revoked_before:
            log.add("key.revoked", f"key:{self.revoked_before}", actor="org:buyer-org")
        entries, files = self.sign(contract)
        self.tell(log, contract, entries, files)
        if self.listed_late:
            self.list_roots(log)
        signed = canonical.dumps(signature.assemble(contract.payload, list(entries)))
        extras = Extras(certified=self.members(files))
        records = log.all_records()
        if scope != WHOLE_LOG:
            records = [*log.records(CONTRACT), *log.records(TRUST_SUBJECT)]
            records += [] if not self.revoked_before else log.records(f"key:{self.revoked_before}")
        return evidence.write(
            scope=scope, checkpoint=log.signed_head(), log_keys=[story.VKEY], records=records, contracts=[signed],
            extras=extras,
        )  # fmt: skip

    def list_roots(self, log):
        log.add("policy.changed", TRUST_SUBJECT, h={"trust": self.trust.digest})

    def contract(self, log):
        made = story.make_contract(log)
        body = canonical.loads(made.payload)
        body["parties"][1]["keys"] = [certificates.thumbprint(self.signer.der)]
        # what else depends on the parties' keys is nothing: prose and policy name none
        return document.parse(canonical.dumps(body))

    def sign(self, contract):
        later = NOW + timedelta(minutes=1)
        by_key = signature.sign(contract.payload, story.KEYS["provider-org"], now=later)
        if self.form:
            return [by_key], [self.form]
        by_chain = signature.sign(contract.payload, self.signer.key, now=later, chain=self.signer.chain)
        return [by_key, by_chain], []

    def tell(self, log, contract, entries, files):
        agreed = {"contract": contract.hash}
        log.add("contract.agreed", CONTRACT, actor="org:provider-org", h=agreed)
        log.add(
            "contract.signed", CONTRACT, actor="org:provider-org", d={"alg": "Ed25519", "grade": "browser"},
            h={**agreed, "signature": canonical.digest(entries[0])},
        )  # fmt: skip
        form, data = files[0] if files else ("jws", None)
        digest = canonical.sha256_b64url(data) if data else canonical.digest(entries[1])
        lists = {f"crl_{n}": canonical.sha256_b64url(der) for n, der in enumerate(self.crls, 1)}
        more = {"trust": self.trust.digest, **lists} if self.hashes is None else self.hashes
        log.add(
            "contract.signed", CONTRACT, f"key:{certificates.thumbprint(self.signer.der)}", actor="org:buyer-org",
            d={"alg": "ES256", "grade": self.grade, "form": form}, h={**agreed, "signature": digest, **more},
        )  # fmt: skip
        log.add("contract.active", CONTRACT, h=agreed)

    def members(self, files):
        return evidence_x509.members([certificates.format_trust(self.trust)], self.crls, [self.path], files)

    @property
    def path(self):
        return (*self.signer.chain, self.root.der)


def both(data, roots=None):
    """What both say: the code of the one and of the other, or None where the bundle holds; they must agree on that."""
    one = evidence.check_bytes(data, POLICY, roots=roots)
    two = verify.Checker(io.BytesIO(data), POLICY, None, None, None if roots is None else list(roots)).report()
    failed = [line for line in two if line[1] == "fail"]
    assert one.ok == (not failed), (one.lines[-1], two[-1])
    return (None, None) if one.ok else (one.lines[-1].problem.code, failed[0][2])


@pytest.mark.parametrize("scope", [CONTRACT, WHOLE_LOG])
@pytest.mark.parametrize("alg", ["ES256", "RS256", "Ed25519"])
def test_a_signature_by_certificate_is_checked_by_both(alg, scope):
    world = World(alg)
    data = world.bundle(scope)
    assert both(data) == (None, None)
    report = evidence.check_bytes(data, POLICY)
    text = "\n".join(line.say("en") for line in report.lines)
    assert f"provider-org (Ed25519, key in a browser), buyer-org ({alg}, certificate of a licensed authority)" in text
    assert "use --roots" in text
    vietnamese = "\n".join(line.say("vi") for line in report.lines)
    assert "chứng thư của tổ chức được cấp phép" in vietnamese


def test_an_organisations_own_root_gives_its_own_grade():
    world = World()
    world.trust = Trust(organisation=(world.root.der,))
    assert both(world.bundle()) == ("GRADE_DIFFERS", "GRADE")
    world.grade = "organisation"
    assert both(world.bundle()) == (None, None)


def test_the_readers_own_roots_decide_about_licensed_authorities():
    world = World()
    data = world.bundle()
    assert both(data, roots=(world.root.der,)) == (None, None)
    assert not any(
        line.what == "ROOTS_NOT_PINNED" for line in evidence.check_bytes(data, POLICY, roots=(world.root.der,)).lines
    )
    stranger = Authority.root("Root CA", NOW)
    assert both(data, roots=(stranger.der,)) == ("CERTIFICATE_UNTRUSTED", "CERTIFICATE")
    assert both(data, roots=()) == ("CERTIFICATE_UNTRUSTED", "CERTIFICATE")


def expired(world):
    world.signer = world.sub.certify(named("B"), NOW, since=NOW - 9 * DAY, until=NOW - DAY)
    return "CERTIFICATE_EXPIRED", "CERTIFICATE"


def revoked(world):
    world.sub.revoke(world.signer.der, NOW - 2 * DAY)
    world.crls[0] = world.sub.crl(NOW - DAY)
    return "CERTIFICATE_REVOKED", "CERTIFICATE"


def authority_revoked(world):
    world.root.revoke(world.sub.der, NOW - 2 * DAY)
    world.crls[1] = world.root.crl(NOW - DAY)
    return "CERTIFICATE_REVOKED", "CERTIFICATE"


def list_too_old(world):
    world.crls[0] = world.sub.crl(NOW - 30 * DAY)
    return "CERTIFICATE_STATUS_UNKNOWN", "CERTIFICATE"


def list_missing(world):
    world.crls = world.crls[:1]
    return "CERTIFICATE_STATUS_UNKNOWN", "CERTIFICATE"


def list_forged(world):
    world.crls[0] = world.sub.crl(NOW - DAY, key=world.own.key)
    return "CERTIFICATE_STATUS_UNKNOWN", "CERTIFICATE"


def root_unknown(world):
    world.trust = Trust(licensed=(Authority.root("Root CA", NOW).der,))
    return "CERTIFICATE_UNTRUSTED", "CERTIFICATE"


def an_authority_signs(world):
    world.signer = world.sub.certify(
        named("B"), NOW, extensions=[(verify.x509.BasicConstraints(ca=True, path_length=None), True)]
    )
    return "CERTIFICATE_PURPOSE", "CERTIFICATE"


def listed_after(world):
    world.listed_late = True
    return "TRUST_NOT_LOGGED", "NOT_LOGGED"


def grade_too_high(world):
    world.trust = Trust(organisation=(world.root.der,))
    return "GRADE_DIFFERS", "GRADE"


def said_to_be_a_bare_key(world):
    world.grade = "browser"
    return "GRADE_DIFFERS", "GRADE"


def revoked_in_the_log(world):
    world.revoked_before = certificates.thumbprint(world.signer.der)
    return "KEY_REVOKED", "REVOKED"


@pytest.mark.parametrize("scope", [CONTRACT, WHOLE_LOG])
@pytest.mark.parametrize(
    "bend",
    [
        expired, revoked, authority_revoked, list_too_old, list_missing, list_forged, root_unknown,
        an_authority_signs, listed_after, grade_too_high, said_to_be_a_bare_key, revoked_in_the_log,
    ],
)  # fmt: skip
def test_what_does_not_hold_is_refused_by_both_although_the_log_signed_it(bend, scope):
    world = World()
    expected = bend(world)
    assert both(world.bundle(scope)) == expected


def test_a_key_is_not_passed_off_as_a_certificate():
    """The record of the provider's bare key claims the grade of a licensed certificate."""
    world = World()
    tell = world.tell

    def lying(log, contract, entries, files):
        add = log.add
        log.add = lambda event, *on, d=None, **more: add(
            event, *on, d={**d, "grade": "licensed"} if d and d["grade"] == "browser" else d, **more
        )
        tell(log, contract, entries, files)

    world.tell = lying
    assert both(world.bundle()) == ("GRADE_DIFFERS", "GRADE")


def test_a_list_of_roots_or_revocations_must_be_the_one_recorded():
    world = World()
    make = world.members

    def swapped(files):
        other = world.sub.crl(NOW - DAY, days=30)
        return {name: other if name.endswith(".crl") else data for name, data in make(files).items()}

    world.members = swapped
    assert both(world.bundle()) == ("MEMBER_UNEXPECTED", "MEMBER")
    world.members = lambda files: {name: data for name, data in make(files).items() if not name.endswith(".json")}
    assert both(world.bundle()) == ("MEMBER_MISSING", "MEMBER")


def test_intermediates_that_a_signature_left_out_may_lie_beside_it():
    world = World()
    world.signer.above = ()
    assert both(world.bundle()) == ("CERTIFICATE_UNTRUSTED", "CERTIFICATE")

    class Beside(World):
        path = property(lambda self: (self.signer.der, self.sub.der, self.root.der))

    beside = Beside()
    beside.signer.above = ()
    assert both(beside.bundle()) == (None, None)


def test_a_detached_cades_signature_is_checked_by_both_and_no_bit_of_it_may_change():
    cades = pytest.importorskip("contracts.cades")
    world = World()
    log = story.begin()
    world.list_roots(log)
    payload = world.contract(log).payload  # the same in every bundle: nothing random goes into it
    p7s = cades.sign(payload, world.signer.chain, cades.local(world.signer.key), now=NOW + timedelta(minutes=1))
    world.form = ("cades", p7s)
    assert both(world.bundle()) == (None, None)
    other = cades.sign(payload + b" ", world.signer.chain, cades.local(world.signer.key), now=NOW)
    world.form = ("cades", other)
    assert both(world.bundle()) == ("CMS_OTHER_CONTENT", "SIGNATURE")
    for place in range(-60, -1, 7):
        world.form = ("cades", p7s[:place] + bytes([p7s[place] ^ 1]) + p7s[place + 1 :])
        assert both(world.bundle()) != (None, None), place


def test_where_openssl_is_missing_the_one_file_does_not_call_cades_good(monkeypatch):
    monkeypatch.setattr(verify.shutil, "which", lambda name: None)
    world = World()
    world.form = ("cades", b"whatever")
    lines = verify.Checker(io.BytesIO(world.bundle()), POLICY, None, None).report()
    assert [line[1] for line in lines if line[0] == "CONTRACT"] == ["not checked"]


def test_without_the_adapter_ours_does_not_call_a_pdf_good(monkeypatch):
    monkeypatch.setitem(forms.ADAPTERS, "pades", ("contracts.no_such_adapter", "open_signatures"))
    world = World()
    world.form = ("pades", b"%PDF-1.7 whatever this says")
    report = evidence.check_bytes(world.bundle(), POLICY)
    assert (report.ok, report.incomplete) == (False, True)
    (line,) = [line for line in report.lines if line.what == "CONTRACT"]
    assert line.mark == "unchecked"
    assert "the signature of buyer-org was not checked" in line.say("en")


def test_a_signature_in_a_pdf_is_never_called_good_by_the_one_file():
    world = World()
    world.form = ("pades", b"%PDF-1.7 whatever this says")
    data = world.bundle()
    lines = verify.Checker(io.BytesIO(data), POLICY, None, None).report()
    (line,) = [line for line in lines if line[0] == "CONTRACT"]
    assert line[1] == "not checked"
    assert "buyer-org: pades" in line[3]


def test_the_one_file_says_so_and_does_not_exit_with_success(tmp_path, capsys, monkeypatch):
    world = World()
    world.form = ("pades", b"%PDF-1.7 whatever this says")
    path = tmp_path / "evidence.zip"
    path.write_bytes(world.bundle())
    monkeypatch.setattr("sys.argv", ["verify.py", str(path), "--lang", "en"])
    assert verify.main() == 1
    assert "NOT every signature could be checked" in capsys.readouterr().out


def test_names_in_the_bundle_are_digests_in_hexadecimal():
    world = World()
    names = evidence_x509.members([b"t"], [b"c"], [world.path], [("cades", b"s"), ("pades", b"p")])
    assert list(names) == [
        f"x509/{hashlib.sha256(b't').hexdigest()}.trust.json",
        f"x509/{hashlib.sha256(b'c').hexdigest()}.crl",
        f"x509/{hashlib.sha256(world.signer.der).hexdigest()}.pem",
        f"signatures/{hashlib.sha256(b's').hexdigest()}.p7s",
        f"signatures/{hashlib.sha256(b'p').hexdigest()}.pdf",
    ]
    pem = names[f"x509/{hashlib.sha256(world.signer.der).hexdigest()}.pem"].decode()
    assert base64.b64encode(world.root.der).decode()[:60] in pem
