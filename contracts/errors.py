"""The one error tree of this package. Checking raises; it never returns False.

    ContractsError            what failed (`code`) and where (`facts`)
    ├── CanonicalError        bytes or a value that RFC 8785 as used here does not allow
    ├── LogError              the transparency log
    │   ├── LeafError         an event that the closed schema refuses
    │   ├── TreeError         a Merkle proof, hash or tile that does not fit
    │   ├── NoteError         a signed note, key or checkpoint that does not open
    │   ├── ReceiptError      a COSE receipt that does not hold
    │   ├── TimestampError    a token of a time-stamping authority that does not hold
    │   ├── DisclosureError   a salted value that is none, or that the leaf never meant
    │   └── WitnessError      a checkpoint that a witness does not cosign
    ├── EvidenceError         a bundle that cannot be written or is not what it says
    └── ...                   terms, document and signature define theirs beside what they check

A code is UPPER_SNAKE, stable and never reused. Its Vietnamese and English sentences live in the words modules.
"""

from __future__ import annotations

Fact = str | int | bool | None


class ContractsError(Exception):
    """Something signed or proved does not hold: a stable code, and the facts a sentence needs."""

    def __init__(self, code: str, /, **facts: Fact) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts: dict[str, Fact] = facts

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.code, self.facts)  # an error crosses from one process into another

    def __str__(self) -> str:
        where = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} ({where})" if where else self.code


def _again(kind: type[ContractsError], code: str, facts: dict[str, Fact]) -> ContractsError:
    return kind(code, **facts)


class CanonicalError(ContractsError):
    """The value has no canonical form here, or the bytes are not it."""


class LogError(ContractsError):
    """The transparency log refuses."""


class LeafError(LogError):
    """The event does not follow the closed schema."""


class TreeError(LogError):
    """A hash, tile or proof does not fit the tree."""


class NoteError(LogError):
    """A signed note, a key or a checkpoint is malformed, or no signature by a known key holds."""


class ReceiptError(LogError):
    """A COSE receipt is malformed, or its signature does not hold."""


class TimestampError(LogError):
    """A time-stamp is malformed, over something else, or by nobody we trust."""


class DisclosureError(LogError):
    """The text is no disclosure (RFC 9901), or the leaf does not commit to it."""


class WitnessError(LogError):
    """A witness does not cosign: the request is malformed, its log unknown or unsigned, or it forks the history."""


class EvidenceError(ContractsError):
    """The evidence bundle cannot be written, or is not what it says."""
