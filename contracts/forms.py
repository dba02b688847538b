"""Signatures that come inside a file signed elsewhere: CAdES detached over the payload, and PAdES in a PDF.

Each form is opened by its adapter, loaded by name when it is needed: without the adapter's packages everything else
works. What counts is asked of all forms alike: `signature.check_signer` for the party and the time, and
`certificates.check_chain` for the certificate.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from datetime import datetime

from contracts.certificates import Sealed, thumbprint
from contracts.document import Contract
from contracts.errors import ContractsError
from contracts.keys import SignatureError
from contracts.signature import SignerInfo, check_signer

JWS = "jws"
ADAPTERS: Mapping[str, tuple[str, str]] = {  # form -> module and the function that opens it
    "cades": ("contracts.cades", "open_signature"),
    "pades": ("contracts.pades", "open_signatures"),
}
SUFFIX: Mapping[str, str] = {"cades": "p7s", "pades": "pdf"}
MAX_FILE = 2**20  # bytes; a contract as a PDF with its fonts and two signatures has about 300,000


def open_file(form: str, data: bytes, payload: bytes) -> tuple[Sealed, ...]:
    """Every signature in the file, each proved to be over exactly `payload` and under its first certificate's key."""
    if form not in ADAPTERS:
        raise SignatureError("FORM_UNKNOWN", value=form[:20], passes=", ".join((JWS, *ADAPTERS)))
    if not 0 < len(data) <= MAX_FILE:
        raise SignatureError("FILE_TOO_LARGE", value=len(data), limit=MAX_FILE)
    module, function = ADAPTERS[form]
    try:
        opened = getattr(importlib.import_module(module), function)(data, payload)
    except ImportError:
        raise SignatureError("FORM_UNAVAILABLE", value=form, passes=JWS) from None
    return (opened,) if isinstance(opened, Sealed) else tuple(opened)


def check_shown(form: str, data: bytes, payload: bytes) -> None:
    """What the file shows is what we print; asked when it is handed in, for what we print changes with time."""
    if form == "pades":
        from contracts import pades

        pades.check_pages(data, payload)


def check_file(
    form: str,
    data: bytes,
    contract: Contract,
    *,
    at: datetime,
    org_id: str | None = None,
    now: datetime | None = None,
    signed: Collection[SignerInfo] = (),
    wanted: str | None = None,
) -> SignerInfo:
    """Whose signature of this contract the file holds, as `signature.check` tells of a JWS.

    A PDF may hold those of both sides: `org_id` or `wanted` (x5t#S256) says which is meant. A signature that states no
    time of its own has that of `at`, when it was handed in.
    """
    problem: ContractsError = SignatureError("KEY_UNKNOWN", kid=None, org=org_id)
    for sealed in open_file(form, data, contract.payload):
        kid = thumbprint(sealed.chain[0])
        if wanted not in (None, kid):
            continue
        try:
            return check_signer(
                contract, kid, sealed.alg, sealed.claimed_at or at, sealed.chain, org_id=org_id, now=now, signed=signed
            )
        except SignatureError as error:
            problem = error
    raise problem
