"""The witness protocol, both sides: C2SP tlog-witness. A witness cosigns a head only if it continues the last one.

    old 20852014                                       size of the last head that the witness cosigned
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=       consistency proof from there, at most 63 hashes
                                                       (empty line)
    log.minhbach.example/2026                          the new head, as the log signed it
    ...

The witness reads with `parse_request`, then asks in turn: did the log sign it (`open_request`), does it continue what
was seen (`check_growth`); only then it stores the head and answers with `cosign`'s line, which the log reads with
`open_answer`. Storing must be one step with the comparison, and durable before the answer (section "add-checkpoint").
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.errors import NoteError, TreeError, WitnessError
from contracts.log import checkpoint, tree
from contracts.log.checkpoint import Checkpoint, Cosigned, Note, Signature, VerifierKey

MAX_PROOF = 63  # hashes; C2SP tlog-witness: no tree of fewer than 2^63 leaves needs more
MAX_REQUEST = checkpoint.MAX_NOTE + MAX_PROOF * 45 + 64  # bytes: a note, the proof's lines, the first line
MAX_ANSWER = 16 * 1024  # bytes of signature lines that a log reads
SIZE_TYPE = "text/x.tlog.size"  # media type of the body of a 409: the size last cosigned, and a newline

STATUSES: Mapping[str, int] = {
    "WITNESS_REQUEST": 400,
    "WITNESS_SIZES": 400,
    "WITNESS_SIGNATURE": 403,
    "WITNESS_ORIGIN": 404,
    "WITNESS_BEHIND": 409,
    "WITNESS_FORK": 409,
    "WITNESS_PROOF": 422,
}
"""The HTTP status of each refusal (C2SP tlog-witness, section "add-checkpoint")."""


@dataclass(frozen=True)
class Request:
    """A parsed request to cosign; nothing in it is verified yet."""

    old: int
    proof: tuple[bytes, ...]
    note: Note
    head: Checkpoint


@dataclass(frozen=True)
class Known:
    """What a witness remembers of one log: the head it cosigned last and when (seconds since 1970 UTC)."""

    size: int = 0
    root: bytes = tree.EMPTY_ROOT
    time: int = 0


def format_request(old: int, proof: Iterable[bytes], note: str) -> str:
    """The body of add-checkpoint; its pair is `parse_request`."""
    lines = [f"old {old}", *(base64.b64encode(item).decode("ascii") for item in proof)]
    return "".join(f"{line}\n" for line in lines) + "\n" + note


def parse_request(data: bytes) -> Request:
    """C2SP tlog-witness, section "add-checkpoint", the request body. One spelling only; raises WITNESS_REQUEST.

    A signature that is not even base64 is one that does not verify: WITNESS_SIGNATURE, as other witnesses answer.
    """
    if len(data) > MAX_REQUEST:
        raise WitnessError("WITNESS_REQUEST", reason="too large")
    head, blank, tail = data.partition(b"\n\n")
    first, *hashes = head.split(b"\n")
    if not blank or len(hashes) > MAX_PROOF:
        raise WitnessError("WITNESS_REQUEST", reason="old size, proof, empty line, checkpoint")
    old, proof = _old(first), tuple(_hash(line) for line in hashes)
    try:
        note = checkpoint.parse_note(tail)
    except NoteError as error:
        unsigned = error.code == "BASE64_MALFORMED"
        raise WitnessError("WITNESS_SIGNATURE" if unsigned else "WITNESS_REQUEST", reason=str(error)) from None
    try:
        return Request(old, proof, note, checkpoint.parse_checkpoint(note.text))
    except NoteError as error:
        raise WitnessError("WITNESS_REQUEST", reason=str(error)) from None


def open_request(request: Request, keys: Iterable[VerifierKey]) -> None:
    """The log signed it: `keys` are those trusted for the head's origin, none if the origin is unknown.

    C2SP tlog-witness: an unknown origin is 404, no signature by a trusted key is 403, an old size beyond the new one
    is 400. Signatures by unknown keys are ignored.
    """
    trusted = [key for key in keys if key.name == request.head.origin]
    if not trusted:
        raise WitnessError("WITNESS_ORIGIN", origin=request.head.origin[:200])
    try:
        checkpoint.open_note(request.note, trusted)
    except NoteError as error:
        raise WitnessError("WITNESS_SIGNATURE", reason=str(error)) from None
    if request.old > request.head.size:
        raise WitnessError("WITNESS_SIZES", old=request.old, new=request.head.size)


def check_growth(request: Request, known: Known) -> None:
    """The head continues what the witness cosigned last.

    C2SP tlog-witness: another old size than ours is 409 with ours; one size with two roots is 409 (and proof that the
    log forked); a proof (RFC 6962 section 2.1.2) that fails, or stands where there is nothing to prove, is 422.
    """
    head = request.head
    if request.old != known.size:
        raise WitnessError("WITNESS_BEHIND", old=request.old, size=known.size)
    if head.size == known.size and head.root != known.root:
        raise WitnessError("WITNESS_FORK", size=known.size)
    if request.old == 0:
        if request.proof:
            raise WitnessError("WITNESS_PROOF", reason="nothing to prove from size 0")
        return
    try:
        tree.check_consistency(request.proof, known.size, head.size, known.root, head.root)
    except TreeError as error:
        raise WitnessError("WITNESS_PROOF", reason=str(error)) from None


def cosign(request: Request, known: Known, name: str, private: Ed25519PrivateKey, now: int) -> tuple[Signature, Known]:
    """The witness's line under the head, and what it knows from now on. Ask `open_request` and `check_growth` first.

    C2SP tlog-cosignature: the line says that this was the largest head seen at its time, so the time never goes back,
    even when the machine's clock does. `now` in seconds since 1970 UTC.
    """
    time = max(now, known.time)
    line = checkpoint.cosign_note(request.note.text, name, private, time)
    return line, Known(request.head.size, request.head.root, time)


def format_answer(line: Signature) -> str:
    """The body of a 200: one signature line."""
    return checkpoint.format_note(Note("", (line,)))[1:]


def open_answer(text: str, body: bytes, key: VerifierKey) -> tuple[Signature, Cosigned]:
    """The cosignature by `key` over a checkpoint's `text` in a witness's answer; lines by other keys are ignored."""
    note = checkpoint.parse_note(text.encode() + b"\n" + body)
    if note.text != text:
        raise NoteError("NOTE_MALFORMED", reason="more than signature lines")
    line = checkpoint.open_note(note, [key])[key]
    return line, Cosigned(key, int.from_bytes(line.value[:8], "big"))


def _old(line: bytes) -> int:
    """`old N`, N decimal without leading zeroes."""
    digits = line.removeprefix(b"old ")
    if not digits.isdigit() or len(digits) > 19 or b"old %d" % int(digits) != line:
        raise WitnessError("WITNESS_REQUEST", reason="old size")
    return int(digits)


def _hash(line: bytes) -> bytes:
    try:
        data = base64.b64decode(line, validate=True)
    except binascii.Error:
        data = b""
    if len(data) != tree.HASH_SIZE or base64.b64encode(data) != line:
        raise WitnessError("WITNESS_REQUEST", reason="proof line")
    return data
