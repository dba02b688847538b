"""Our contracts before somebody else's checker: `generalVerify` of jose, the JavaScript library, in Node."""

import fcntl
import json
import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from contracts import canonical, certificates, keys, signature
from contracts.errors import ContractsError
from tests.contracts.authority import Authority, named
from tests.contracts.examples import NOW, PROVIDER_KEY, consumer, make_contract, provider
from tests.foreign.conftest import absent

VERSION = "6.2.18"
LATER = NOW + timedelta(minutes=1)
ROOT = Authority.root("Root CA", NOW)
# Answers each line {jws, jwk or pem, alg} with what it read, or with the code of the library's error.
PROGRAM = """
import { createInterface } from "node:readline";
import { generalVerify, importJWK, importX509 } from "jose";
for await (const line of createInterface({ input: process.stdin })) {
  const { jws, jwk, pem, alg } = JSON.parse(line);
  try {
    const key = pem ? await importX509(pem, alg) : await importJWK(jwk, alg);
    const { payload, protectedHeader } = await generalVerify(jws, key, { algorithms: [alg] });
    console.log(JSON.stringify({ payload: Buffer.from(payload).toString("base64url"), header: protectedHeader }));
  } catch (error) {
    console.log(JSON.stringify({ code: error.code ?? error.name }));
  }
}
"""


@pytest.fixture(scope="session")
def jose(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library, fetched once for all worker processes by npm; it runs nothing while it is installed."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        absent("there is no Node with npm (Debian: apt-get install nodejs npm)")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "jose"
    with (shared / "jose.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "verify.mjs").exists():
            folder.mkdir(exist_ok=True)
            fetched = subprocess.run(
                ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", ".", f"jose@{VERSION}"],
                cwd=folder, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            if fetched.returncode:
                absent(f"npm cannot fetch jose {VERSION} here: {fetched.stderr.strip()[-300:]}")
            (folder / "verify.mjs").write_text(PROGRAM)
    return folder


def judge(jose: Path, *questions: dict[str, Any]) -> list[dict[str, Any]]:
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(
        ["node", "verify.mjs"], cwd=jose, input=lines, capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def signed(alg: str, *, by_certificate: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """A contract signed by both sides, the provider by a bare Ed25519 key; and what jose is told of the buyer."""
    private = keys.generate(alg)
    signer = ROOT.certify(named("B"), NOW, key=private)
    kid = certificates.thumbprint(signer.der) if by_certificate else keys.thumbprint(keys.public_jwk(private))
    contract = make_contract(parties=(provider(), consumer(keys=(kid,))))
    chain = signer.chain if by_certificate else ()
    entries = [
        signature.sign(contract.payload, PROVIDER_KEY, now=LATER),
        signature.sign(contract.payload, private, now=LATER, alg=alg, chain=chain),
    ]
    jws = signature.assemble(contract.payload, entries)
    assert len(signature.check_all(jws)) == 2
    return jws, {"alg": alg, "pem": pem(signer.der)} if by_certificate else {
        "alg": alg,
        "jwk": keys.public_jwk(private),
    }


def pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize("by_certificate", [False, True], ids=["thumbprint", "x5c"])
@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "RS256", "PS256"])
def test_jose_accepts_our_contracts_and_refuses_changed_ones(jose: Path, alg: str, by_certificate: bool) -> None:
    jws, key = signed(alg, by_certificate=by_certificate)
    provider_key = {"alg": "Ed25519", "jwk": keys.public_jwk(PROVIDER_KEY)}
    payload = keys.decode(jws["payload"], "payload")
    price = canonical.b64url(payload.replace(b"5000000", b"5000001"))
    ours = jws["signatures"][1]
    flipped = bytearray(keys.decode(ours["signature"], "signature"))
    flipped[-1] ^= 1
    header = canonical.loads(keys.decode(ours["protected"], "protected"))
    later = canonical.b64url(canonical.dumps({**header, "iat": header["iat"] + 1}))
    changed = [
        {**jws, "payload": price},
        {**jws, "signatures": [jws["signatures"][0], {**ours, "signature": canonical.b64url(bytes(flipped))}]},
        {**jws, "signatures": [jws["signatures"][0], {**ours, "protected": later}]},
        {**jws, "signatures": jws["signatures"][:1]},
    ]
    good, seller, *bad = judge(
        jose, {"jws": jws, **key}, {"jws": jws, **provider_key}, *({"jws": one, **key} for one in changed)
    )
    assert good["payload"] == seller["payload"] == jws["payload"]
    assert good["header"] == header
    assert bad == [{"code": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"}] * 4
    for one in changed[:3]:  # as ours does
        with pytest.raises(ContractsError):
            signature.check_all(one)


def test_jose_does_not_take_one_sides_key_for_the_others(jose: Path) -> None:
    jws, _ = signed("ES256", by_certificate=True)
    other = {"alg": "ES256", "jwk": keys.public_jwk(keys.generate("ES256"))}
    assert judge(jose, {"jws": jws, **other}) == [{"code": "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"}]
