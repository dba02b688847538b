"""``minhbach contract``: the PDF fetched, signed by certificate on a machine without a network, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from contracts import cades, keys, pades, page
from contracts.certificates import thumbprint
from exchange import clock
from exchange.cli import main
from tests import tsa
from tests.contracts.authority import Authority, Certified, named
from tests.contracts.examples import consumer, make_contract, provider


@pytest.fixture
def seller() -> Certified:
    now = clock.now()
    return Authority.root("Root", now).under("Between", now).certify(named("Công ty A"), now)


@pytest.fixture
def folder(tmp_path: Path, seller: Certified) -> Path:
    """The contract as both kinds of file, and the seller's key and certificates."""
    contract = make_contract(
        created=clock.now() - timedelta(minutes=1),
        parties=(provider(keys=(thumbprint(seller.der),)), consumer()),
    )  # fmt: skip
    (tmp_path / "contract.pdf").write_bytes(page.make(contract))
    (tmp_path / "contract.json").write_bytes(contract.payload)
    (tmp_path / "key.pem").write_bytes(keys.to_pem(seller.key))
    certificates = [x509.load_der_x509_certificate(der) for der in seller.chain]
    (tmp_path / "chain.pem").write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in certificates))
    locked = pkcs12.serialize_key_and_certificates(
        None,
        seller.key,
        certificates[0],
        certificates[1:],
        BestAvailableEncryption(b"correct horse"),  # type: ignore[arg-type]
    )
    (tmp_path / "key.p12").write_bytes(locked)
    for secret in ("key.pem", "key.p12"):
        (tmp_path / secret).chmod(0o600)
    return tmp_path


@pytest.fixture
def sign(folder: Path) -> Callable[..., Result]:
    """``minhbach contract sign FILE -o signed...`` with these words more."""

    def run(file: str, *words: object, typed: str | None = None) -> Result:
        out = folder / ("signed.pdf" if file.endswith("pdf") else "signed.p7s")
        line = ["contract", "sign", folder / file, "-o", out, *words, "--lang", "en"]
        return CliRunner().invoke(main, [str(word) for word in line], input=typed)

    return run


@pytest.fixture
def pem(folder: Path) -> tuple[object, ...]:
    return ("--key", folder / "key.pem", "--certificate", folder / "chain.pem")


def test_a_pdf_is_signed_with_a_key_and_its_certificates(
    folder: Path, sign: Callable[..., Result], pem: tuple[object, ...], seller: Certified
) -> None:
    told = sign("contract.pdf", *pem, "--yes")
    assert told.exit_code == 0, told.output
    assert "Clause 22" in told.output
    assert "PAdES signature by CN=Công ty A" in told.output
    (sealed,) = pades.open_signatures((folder / "signed.pdf").read_bytes(), (folder / "contract.json").read_bytes())
    assert sealed.chain == seller.chain


def test_a_pkcs12_file_signs_the_json_after_its_password(
    folder: Path, sign: Callable[..., Result], seller: Certified
) -> None:
    told = sign("contract.json", "--pkcs12", folder / "key.p12", typed="correct horse\ny\n")
    assert told.exit_code == 0, told.output
    sealed = cades.open_signature((folder / "signed.p7s").read_bytes(), (folder / "contract.json").read_bytes())
    assert sealed.chain == seller.chain
    assert "correct horse" not in told.output


@pytest.mark.parametrize("file", ["contract.pdf", "contract.json"])
def test_a_time_stamp_is_asked_for_checked_and_put_in(
    folder: Path, sign: Callable[..., Result], pem: tuple[object, ...], file: str
) -> None:
    authority = tsa.Authority(folder / "tsa")
    with tsa.serving(authority) as service:
        told = sign(file, *pem, "--yes", "--timestamp", service.url, "--timestamp-roots", authority.roots)
        assert told.exit_code == 0, told.output
        assert len(service.asked) == 1
    signed = next(path for path in (folder / "signed.pdf", folder / "signed.p7s") if path.exists()).read_bytes()
    token = bytes.fromhex("060b2a864886f70d010910020e")  # id-aa-signatureTimeStampToken
    assert token in signed or token.hex().encode() in signed.lower()
    other = tsa.Authority(folder / "other")
    (folder / "signed.pdf").unlink(missing_ok=True)
    (folder / "signed.p7s").unlink(missing_ok=True)
    with tsa.serving(other) as service:
        told = sign(file, *pem, "--yes", "--timestamp", service.url, "--timestamp-roots", authority.roots)
    assert told.exit_code == 1
    assert "No time-stamp could be had" in told.output


def test_nothing_is_signed_without_consent_or_over_an_existing_file(
    folder: Path, sign: Callable[..., Result], pem: tuple[object, ...]
) -> None:
    assert sign("contract.pdf", *pem, typed="n\n").exit_code == 1
    assert not (folder / "signed.pdf").exists()
    (folder / "signed.pdf").write_bytes(b"mine")
    assert sign("contract.pdf", *pem, "--yes").exit_code == 1
    assert (folder / "signed.pdf").read_bytes() == b"mine"


def test_what_does_not_belong_together_is_refused(
    folder: Path, sign: Callable[..., Result], pem: tuple[object, ...], seller: Certified
) -> None:
    assert "--pkcs12" in sign("contract.pdf", "--yes").output
    assert "wrong password" in sign("contract.pdf", "--pkcs12", folder / "key.p12", typed="wrong\ny\n").output
    assert "--timestamp-roots" in sign("contract.pdf", *pem, "--yes", "--timestamp", "https://tsa.example").output
    (folder / "key.pem").write_bytes(keys.to_pem(keys.generate("ES256")))
    assert "is not this key's" in sign("contract.pdf", *pem, "--yes").output
    now = clock.now()
    stranger = Authority.root("Root", now).certify(named("Stranger"), now, key=replace(seller).key)
    (folder / "key.pem").write_bytes(keys.to_pem(seller.key))
    (folder / "chain.pem").write_bytes(x509.load_der_x509_certificate(stranger.der).public_bytes(Encoding.PEM))
    assert "does not name this certificate" in sign("contract.pdf", *pem, "--yes").output


def test_pages_that_the_exchange_did_not_print_are_not_signed(
    folder: Path, sign: Callable[..., Result], pem: tuple[object, ...]
) -> None:
    data = (folder / "contract.pdf").read_bytes()
    (folder / "contract.pdf").write_bytes(
        data.replace(b"/Title", b"/Titlo", 1).replace(b"<xmp:CreatorTool>M", b"<xmp:CreatorTool>N")
    )
    told = sign("contract.pdf", *pem, "--yes")
    assert told.exit_code == 1
    assert "[PDF_OTHER_PAGES]" in told.output
