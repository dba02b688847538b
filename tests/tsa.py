"""A real time-stamping authority: certificates made here, tokens made by ``openssl ts``, served on this machine."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SETTINGS = """
[tsa]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
"""
TST_INFO = "1.2.840.113549.1.9.16.1.4"


def require_openssl() -> None:
    """Not run where the machine has no ``openssl``; where everything must run, that is a failure."""
    if shutil.which("openssl") is None:
        if os.environ.get("CI"):
            pytest.fail("openssl is missing: it is the time-stamping authority of the tests")
        pytest.skip("this machine has no openssl, which is the time-stamping authority of the tests")


class Authority:
    """A root and a signing certificate under it, in a folder of their own."""

    def __init__(
        self, folder: Path, *, purpose: bool = True, expired: bool = False, lasts: timedelta | None = None
    ) -> None:
        require_openssl()
        self.folder = folder
        folder.mkdir(parents=True)
        root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = certificate("Root", root_key, "Root", root_key, authority=True)
        end = datetime.now(UTC) - timedelta(days=1) if expired else lasts and datetime.now(UTC) + lasts
        signer = certificate("Time stamps", key, "Root", root_key, purpose=purpose, end=end)
        self.roots = folder / "root.pem"
        self.roots.write_bytes(root.public_bytes(Encoding.PEM))
        (folder / "tsa.pem").write_bytes(signer.public_bytes(Encoding.PEM))
        (folder / "tsa.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(SETTINGS.format(folder=folder))
        self._turn = threading.Lock()  # openssl counts serial numbers in a file

    def stamp(self, request: bytes) -> bytes:
        """The answer to a TimeStampReq."""
        with self._turn:
            (self.folder / "q").write_bytes(request)
            self.run("ts -reply -config tsa.cnf -section tsa -queryfile q -signer tsa.pem -inkey tsa.key -out r")
            return (self.folder / "r").read_bytes()

    def stamp_by_hand(self, genuine: bytes) -> bytes:
        """What another authority has stated, signed with this one's certificate, whatever its purpose: ``openssl ts``
        itself would refuse."""
        (self.folder / "r").write_bytes(genuine)
        self.run("ts -reply -in r -token_out -out token")
        self.run("cms -verify -noverify -inform DER -in token -out info")
        self.run(
            f"cms -sign -binary -nodetach -econtent_type {TST_INFO} -md sha256 -nosmimecap -cades "
            "-in info -signer tsa.pem -inkey tsa.key -outform DER -out signed"
        )
        body = bytes.fromhex("3003020100") + (self.folder / "signed").read_bytes()
        return bytes.fromhex("3082") + len(body).to_bytes(2, "big") + body

    def verify(self, token: bytes, text: bytes) -> bool:
        """Whether ``openssl ts`` accepts the token over the text."""
        (self.folder / "x.tsr").write_bytes(token)
        (self.folder / "x.txt").write_bytes(text)
        return self.run("ts -verify -in x.tsr -data x.txt -CAfile root.pem", check=False).returncode == 0

    def run(self, command: str, *, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """``openssl`` in this folder."""
        return subprocess.run(["openssl", *command.split()], cwd=self.folder, check=check, capture_output=True)


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey,
    *, authority: bool = False, purpose: bool = False, end: datetime | None = None,
) -> x509.Certificate:  # fmt: skip
    """A certificate that began to hold ten days ago; ``purpose``: critical, time-stamping and nothing else."""
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(end or now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )  # fmt: skip
    if purpose:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return builder.sign(issuer_key, SHA256())


class Service:
    """The authority's address, what it was asked, and how it answers: ``answer(request)`` gives status and body."""

    def __init__(self, url: str, answer: Callable[[bytes], tuple[int, bytes]]) -> None:
        self.url, self.answer = url, answer
        self.asked: list[bytes] = []
        self.pause = 0.0  # seconds before each byte of an answer


@contextmanager
def serving(authority: Authority) -> Iterator[Service]:
    """The authority behind HTTP on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            service.asked.append(request)
            status, body = service.answer(request)
            self.send_response(status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            if 300 <= status < 400:
                self.send_header("Location", service.url)
            self.end_headers()
            try:
                self.send(body)
            except OSError:
                self.close_connection = True  # whoever asked has given up

        def send(self, body: bytes) -> None:
            if not service.pause:
                self.wfile.write(body)
                return
            for at in range(len(body)):
                time.sleep(service.pause)
                self.wfile.write(body[at : at + 1])

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service = Service(f"http://127.0.0.1:{server.server_port}/tsa", lambda request: (200, authority.stamp(request)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
