"""The signed head of the log: C2SP signed-note, tlog-checkpoint and tlog-cosignature.

    log.minhbach.example/2026                          origin
    70000                                              size
    gUJfLsAfrBCDbf5AGI4bhbU9msWq4Fi+FcVOvfaQmdo=       root
                                                       (empty line: here the signed text ends)
    — log.minhbach.example/2026 gTy9xoOxpsMS...        base64(key id || Ed25519 signature of the text)
    — regulator.example/w1 BQDcOAAAAABqsT3Y...         base64(key id || time || signature of the text at that time)

A key is written as a vkey, `name+key id in hexadecimal+base64(type || public key)`; the key id is the first four bytes
of SHA-256(name || newline || type || public key). Signatures by unknown keys are ignored, a wrong one by a known key
refuses the whole note. Each parser accepts one spelling only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.errors import NoteError
from contracts.log.tree import HASH_SIZE

MAX_NOTE = 256 * 1024  # bytes; C2SP signed-note asks for a limit that lets 16 large signatures pass
MAX_SIGNATURES = 64
_DASH = "\u2014 "


class KeyType(IntEnum):
    """C2SP signed-note, signature types that this log uses."""

    ED25519 = 0x01  # the log itself
    COSIGNATURE = 0x04  # a witness: Ed25519 over the text and a time


@dataclass(frozen=True)
class VerifierKey:
    """A public key with the name it signs under."""

    name: str
    type: KeyType
    public: bytes

    @property
    def id(self) -> bytes:
        """C2SP signed-note, section "Signatures": four bytes that help to find the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public).digest()[:4]


@dataclass(frozen=True)
class Signature:
    """One signature line, not yet checked."""

    name: str
    key_id: bytes
    value: bytes


@dataclass(frozen=True)
class Note:
    """A text (ending in a newline) and its signature lines."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True)
class Checkpoint:
    """C2SP tlog-checkpoint: which tree the log has promised."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cosigned:
    """A witness saw this head at this time (seconds since 1970 UTC)."""

    key: VerifierKey
    time: int


@dataclass(frozen=True)
class Opened:
    """A checkpoint whose log signature held, and the witnesses whose cosignatures held."""

    checkpoint: Checkpoint
    signer: VerifierKey
    cosigned: tuple[Cosigned, ...]


def format_vkey(key: VerifierKey) -> str:
    """C2SP signed-note, section "Verifier keys"."""
    return f"{key.name}+{key.id.hex()}+{_b64(bytes([key.type]) + key.public)}"


def parse_vkey(text: str) -> VerifierKey:
    """The key of a vkey line; its id must be the right one."""
    name, _, rest = text.partition("+")
    key_id, _, material = rest.partition("+")
    data = _unb64(material)
    if len(data) != 1 + 32 or data[0] not in list(KeyType):
        raise NoteError("VKEY_TYPE", key=text[:80])
    key = VerifierKey(_check_name(name), KeyType(data[0]), data[1:])
    if key.id.hex() != key_id:
        raise NoteError("VKEY_ID", key=text[:80], expected=key.id.hex())
    return key


def verifier_key(name: str, private: Ed25519PrivateKey, type: KeyType = KeyType.ED25519) -> VerifierKey:
    """The public half of a signing key, under its name."""
    return VerifierKey(_check_name(name), type, private.public_key().public_bytes_raw())


def format_note(note: Note) -> str:
    """Text, empty line, signature lines."""
    lines = [f"{_DASH}{line.name} {_b64(line.key_id + line.value)}\n" for line in note.signatures]
    return note.text + "\n" + "".join(lines)


def parse_note(data: str | bytes) -> Note:
    """C2SP signed-note, section "Format". Nothing is verified yet: `open_note` does."""
    whole = _decode(data)
    text, blank, tail = whole.rpartition("\n\n")
    lines = tail.split("\n")
    if not blank or not text or lines.pop() != "" or not 1 <= len(lines) <= MAX_SIGNATURES:
        raise NoteError("NOTE_MALFORMED", reason="text, empty line, signature lines")
    note = Note(text + "\n", tuple(_parse_line(line) for line in lines))
    if format_note(note) != whole:
        raise NoteError("NOTE_MALFORMED", reason="another spelling")
    return note


def sign_note(text: str, name: str, private: Ed25519PrivateKey) -> Signature:
    """The log's own signature (type 0x01) over a text."""
    return Signature(name, verifier_key(name, private).id, private.sign(text.encode()))


def cosign_note(text: str, name: str, private: Ed25519PrivateKey, time: int) -> Signature:
    """A witness's signature (type 0x04) over a text, at `time` in seconds since 1970 UTC."""
    key = verifier_key(name, private, KeyType.COSIGNATURE)
    return Signature(name, key.id, struct.pack(">Q", time) + private.sign(_cosigned_text(text, time)))


def open_note(note: Note, keys: Iterable[VerifierKey]) -> dict[VerifierKey, Signature]:
    """The signatures by these keys, each verified. No known key, or one wrong signature, refuses the note."""
    known = {(key.name, key.id): key for key in keys}
    held: dict[VerifierKey, Signature] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue  # C2SP signed-note: signatures from unknown keys MUST be ignored
        if key in held:
            raise NoteError("NOTE_SIGNATURE_REPEATED", name=line.name)
        _verify(note.text, key, line)
        held[key] = line
    if not held:
        raise NoteError("NOTE_KEY_UNKNOWN", names=" ".join(line.name for line in note.signatures)[:200])
    return held


def format_checkpoint(head: Checkpoint) -> str:
    """The text that is signed."""
    return "".join(f"{line}\n" for line in (head.origin, head.size, _b64(head.root), *head.extensions))


def parse_checkpoint(text: str) -> Checkpoint:
    """C2SP tlog-checkpoint: origin, size, root, then extension lines that have no meaning to us."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        raise NoteError("CHECKPOINT_MALFORMED", reason="origin, size and root, a line each")
    origin, size, root, *extensions = lines
    if not (size.isascii() and size.isdecimal() and str(int(size[:20])) == size and int(size) < 2**63):
        raise NoteError("CHECKPOINT_MALFORMED", reason="size", value=size[:40])
    if len(_unb64(root)) != HASH_SIZE:
        raise NoteError("CHECKPOINT_MALFORMED", reason="root", value=root[:80])
    return Checkpoint(origin, int(size), _unb64(root), tuple(extensions))


def sign_checkpoint(head: Checkpoint, private: Ed25519PrivateKey, *more: Signature) -> str:
    """A checkpoint signed by its log; the key's name is the origin. Its pair is `open_checkpoint`."""
    text = format_checkpoint(head)
    return format_note(Note(text, (sign_note(text, head.origin, private), *more)))


def open_checkpoint(
    data: str | bytes, log_keys: Iterable[VerifierKey], witnesses: Iterable[VerifierKey] = ()
) -> Opened:
    """The checkpoint, once a key of its own log has signed it; and who cosigned it."""
    note = parse_note(data)
    head = parse_checkpoint(note.text)
    own = [key for key in log_keys if key.name == head.origin and key.type == KeyType.ED25519]
    signer = next(iter(open_note(note, own)))
    cosigners = [key for key in witnesses if key.type == KeyType.COSIGNATURE]
    names = {(line.name, line.key_id) for line in note.signatures}
    present = [key for key in cosigners if (key.name, key.id) in names]
    held = open_note(note, present) if present else {}
    cosigned = tuple(Cosigned(key, _time(line)) for key, line in held.items())
    return Opened(head, signer, cosigned)


def _verify(text: str, key: VerifierKey, line: Signature) -> None:
    message, value = text.encode(), line.value
    if key.type == KeyType.COSIGNATURE:
        if len(value) != 8 + 64 or _time(line) >= 2**63:
            raise NoteError("NOTE_SIGNATURE_INVALID", name=line.name)
        message, value = _cosigned_text(text, _time(line)), value[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(value, message)
    except (InvalidSignature, ValueError):
        raise NoteError("NOTE_SIGNATURE_INVALID", name=line.name) from None


def _cosigned_text(text: str, time: int) -> bytes:
    """C2SP tlog-cosignature, section "Ed25519 signed message"."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _time(line: Signature) -> int:
    return int.from_bytes(line.value[:8], "big")


def _decode(data: str | bytes) -> str:
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        size = len(text.encode("utf-8"))
    except UnicodeError:
        raise NoteError("NOTE_MALFORMED", reason="not UTF-8") from None
    if size > MAX_NOTE:
        raise NoteError("NOTE_MALFORMED", reason="too large")
    if any(character < " " and character != "\n" for character in text):
        raise NoteError("NOTE_MALFORMED", reason="control character")
    return text


def _parse_line(line: str) -> Signature:
    name, space, value = line.removeprefix(_DASH).partition(" ")
    data = _unb64(value)
    if not line.startswith(_DASH) or not space or len(data) < 5:
        raise NoteError("NOTE_MALFORMED", reason="signature line", value=line[:80])
    return Signature(_check_name(name), data[:4], data[4:])


def _check_name(name: str) -> str:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteError("NOTE_KEY_NAME", name=name[:80])
    return name


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes:
    """RFC 4648 section 4, one spelling only: padding present, unused bits zero."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NoteError("BASE64_MALFORMED", value=text[:80]) from None
    if _b64(data) != text:
        raise NoteError("BASE64_MALFORMED", value=text[:80])
    return data
