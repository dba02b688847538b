"""One record's proof as a text file that needs nothing else: C2SP tlog-proof.

c2sp.org/tlog-proof@v1
index 345
jBcw7XEygxOgZNdGeWonZ+yMt2V8+qj/DrJcgToLW3M=       from the leaf's sibling up to the root's child
...
                                                   (empty line)
log.minhbach.example/2026                          the checkpoint, as it was signed
...
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.errors import TreeError
from contracts.log import checkpoint, tree

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class Proof:
    """That an entry is number `index` of the tree that `checkpoint` (a signed note) promises."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None  # not authenticated; carried only to read the proofs of others


def format_proof(proof: Proof) -> str:
    """The text; its pair is `parse_proof`."""
    lines = [HEADER]
    if proof.extra is not None:
        lines.append("extra " + base64.b64encode(proof.extra).decode("ascii"))
    lines.append(f"index {proof.index}")
    lines += [base64.b64encode(item).decode("ascii") for item in proof.hashes]
    return "\n".join(lines) + "\n\n" + proof.checkpoint


def parse_proof(text: str) -> Proof:
    """The proof; only the spelling that `format_proof` writes. Nothing is verified yet."""
    head, _, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = _unb64(lines.pop(0).removeprefix("extra "))
    number = lines.pop(0).removeprefix("index ") if lines else ""
    if first != HEADER or not (number.isascii() and number.isdecimal() and len(number) < 20):
        raise TreeError("PROOF_MALFORMED", reason="header and index")
    proof = Proof(int(number), tuple(_unb64(line) for line in lines), note, extra)
    if format_proof(proof) != text:
        raise TreeError("PROOF_MALFORMED", reason="another spelling")
    return proof


def check_proof(
    proof: Proof,
    entry: bytes,
    log_keys: Iterable[checkpoint.VerifierKey],
    witnesses: Iterable[checkpoint.VerifierKey] = (),
) -> checkpoint.Opened:
    """`entry` is in the log, under a checkpoint that the log signed."""
    opened = checkpoint.open_checkpoint(proof.checkpoint, log_keys, witnesses)
    head = opened.checkpoint
    tree.check_inclusion(proof.hashes, proof.index, head.size, head.root, tree.leaf_hash(entry))
    return opened


def _unb64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise TreeError("PROOF_MALFORMED", reason="base64", value=text[:80]) from None
