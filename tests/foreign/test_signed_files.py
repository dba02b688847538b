"""Signatures in files, judged by others: ``openssl cms``, ``openssl ts``, pdfsig, qpdf, pyHanko's own validator.

And the other way round: what ``openssl cms -sign -cades`` makes opens here.
"""

import asyncio
import re
import shutil
import subprocess
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from asn1crypto import cms
from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_detached_cms, async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from contracts import cades, keys, pades, page
from contracts.keys import SignatureError
from contracts.log import timestamp
from tests import tsa
from tests.contracts.authority import Authority, Certified, named
from tests.contracts.examples import make_contract
from tests.foreign.conftest import absent

NOW = datetime.now(UTC)
CONTRACT = make_contract()
ROOT = Authority.root("Root", NOW)
BETWEEN = ROOT.under("Between", NOW)
KEYS = ["ES256", "RS256"]  # openssl 3.0 signs and checks no CMS with Ed25519; pyHanko does


@pytest.fixture(params=KEYS)
def who(request: pytest.FixtureRequest) -> Certified:
    return BETWEEN.certify(named("Signer"), NOW, alg=request.param)


@pytest.fixture
def folder(tmp_path: Path, who: Certified) -> Path:
    """The files that openssl works with."""
    tsa.require_openssl()
    (tmp_path / "payload").write_bytes(CONTRACT.payload)
    for name, der in (("root.pem", ROOT.der), ("between.pem", BETWEEN.der), ("signer.pem", who.der)):
        (tmp_path / name).write_bytes(load_der_x509_certificate(der).public_bytes(Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(keys.to_pem(who.key))
    return tmp_path


def run(program: str, line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *line.split()], cwd=folder, capture_output=True, text=True, timeout=60)


def need(program: str, package: str) -> None:
    if shutil.which(program) is None:
        absent(f"there is no {program} (Debian: apt-get install {package})")


VERIFY = "cms -verify -binary -cades -content payload -inform DER -in ours.p7s -CAfile root.pem -purpose any -out out"
SIGN = "cms -sign -cades -binary -outform DER -in payload -signer signer.pem -inkey key.pem -certfile between.pem"


def test_openssl_accepts_our_cades_and_no_changed_one(folder: Path, who: Certified) -> None:
    ours = cades.sign(CONTRACT.payload, who.chain, cades.local(who.key), now=NOW)
    (folder / "ours.p7s").write_bytes(ours)
    told = run("openssl", VERIFY, folder)
    assert told.returncode == 0, told.stderr
    assert (folder / "out").read_bytes() == CONTRACT.payload
    (folder / "payload").write_bytes(CONTRACT.payload.replace(b"5000000", b"5000001"))
    assert run("openssl", VERIFY, folder).returncode != 0
    (folder / "payload").write_bytes(CONTRACT.payload)
    (folder / "ours.p7s").write_bytes(ours[:-1] + bytes([ours[-1] ^ 1]))
    assert run("openssl", VERIFY, folder).returncode != 0


@pytest.mark.parametrize("more", ["", "-md sha512", "-keyid", "-keyopt rsa_padding_mode:pss -md sha384", "-nosmimecap"])
def test_what_openssl_signs_opens_here_and_not_over_another_payload(folder: Path, who: Certified, more: str) -> None:
    if "rsa" in more and isinstance(who.key, ec.EllipticCurvePrivateKey):
        more = "-md sha384"
    made = run("openssl", f"{SIGN} -out theirs.p7s {more}", folder)
    assert made.returncode == 0, made.stderr
    theirs = (folder / "theirs.p7s").read_bytes()
    sealed = cades.open_signature(theirs, CONTRACT.payload)
    assert sealed.chain[0] == who.der
    assert sealed.claimed_at is not None
    with pytest.raises(SignatureError, match="CMS_OTHER_CONTENT"):
        cades.open_signature(theirs, CONTRACT.payload + b"\n")


@pytest.mark.parametrize(
    "line", [SIGN.replace("-cades ", ""), f"{SIGN} -nodetach", f"{SIGN} -nocerts", f"{SIGN} -md sha1"]
)
def test_what_openssl_signs_in_another_way_is_refused(folder: Path, line: str) -> None:
    made = run("openssl", f"{line} -out theirs.p7s", folder)
    assert made.returncode == 0, made.stderr
    with pytest.raises(SignatureError, match=r"CMS_|ALGORITHM_REFUSED"):
        cades.open_signature((folder / "theirs.p7s").read_bytes(), CONTRACT.payload)


def test_openssl_ts_accepts_the_time_stamp_in_our_cades(folder: Path, who: Certified) -> None:
    authority = tsa.Authority(folder / "tsa")
    stamped: list[bytes] = []

    def stamp(message: bytes) -> bytes:
        stamped.append(message)
        return authority.stamp(timestamp.request(message, 7))

    p7s = cades.sign(CONTRACT.payload, who.chain, cades.local(who.key), now=NOW, stamp=stamp)
    signer = cms.ContentInfo.load(p7s)["content"]["signer_infos"][0]
    (attribute,) = signer["unsigned_attrs"]
    assert attribute["type"].native == "signature_time_stamp_token"
    assert stamped == [signer["signature"].native]
    (folder / "token").write_bytes(attribute["values"][0].dump())
    (folder / "signature").write_bytes(stamped[0])
    line = "ts -verify -token_in -in token -data signature -CAfile tsa/root.pem"
    assert run("openssl", line, folder).returncode == 0
    assert run("openssl", line.replace("signature", "payload"), folder).returncode != 0


def context() -> ValidationContext:
    return ValidationContext(trust_roots=[Certificate.load(ROOT.der)], other_certs=[Certificate.load(BETWEEN.der)])


@pytest.mark.parametrize("alg", ["Ed25519", *KEYS])
def test_pyhankos_own_validator_accepts_both_forms(alg: str) -> None:
    """It judges the path too, to our root; in the PDF also what was appended."""
    signer = BETWEEN.certify(named("Signer"), NOW, alg=alg)
    p7s = cades.sign(CONTRACT.payload, signer.chain, cades.local(signer.key), now=NOW)
    signed_data = cms.ContentInfo.load(p7s)["content"]
    status = asyncio.run(
        async_validate_detached_cms(CONTRACT.payload, signed_data, signer_validation_context=context())
    )
    assert (status.valid, status.intact, status.trusted) == (True, True, True)
    pdf = signed_twice(signer, signer)
    first, second = PdfFileReader(BytesIO(pdf)).embedded_signatures
    for one in (first, second):
        judged = asyncio.run(async_validate_pdf_signature(one, context()))
        assert judged.bottom_line, judged.pretty_print_details()


def signed_twice(one: Certified, two: Certified) -> bytes:
    pdf = page.make(CONTRACT)
    for signer in (one, two):
        pdf = pades.sign(pdf, signer.chain, cades.local(signer.key), now=NOW)
    return pdf


def test_pdfsig_and_qpdf_accept_a_pdf_signed_by_both_and_no_changed_one(tmp_path: Path) -> None:
    need("pdfsig", "poppler-utils")
    need("qpdf", "qpdf")
    pdf = signed_twice(*(BETWEEN.certify(named(alg), NOW, alg=alg) for alg in KEYS))
    (tmp_path / "signed.pdf").write_bytes(pdf)
    told = run("pdfsig", "-nocert signed.pdf", tmp_path).stdout
    assert re.findall(r"Certificate Common Name: (\w+)", told) == KEYS
    assert told.count("Signature is Valid.") == 2
    assert told.count("ETSI.CAdES.detached") == 2
    assert told.index("Not total document signed") < told.index("- Total document signed")
    assert run("qpdf", "--check signed.pdf", tmp_path).returncode == 0
    (tmp_path / "signed.pdf").write_bytes(pdf.replace(b"/Lang (vi)", b"/Lang (en)", 1))
    assert "Signature is Valid." not in run("pdfsig", "-nocert signed.pdf", tmp_path).stdout


def test_pdftotext_reads_the_contract(tmp_path: Path) -> None:
    need("pdftotext", "poppler-utils")
    (tmp_path / "contract.pdf").write_bytes(page.make(CONTRACT))
    told = run("pdftotext", "contract.pdf -", tmp_path).stdout
    for wanted in ("HỢP ĐỒNG QUYỀN KHAI THÁC, SỬ DỤNG DỮ LIỆU", "Điều 22.", "Clause 22.", CONTRACT.hash):
        assert wanted in told
    assert told.count(f"{CONTRACT.id} · {CONTRACT.hash}") == told.count("\f")
