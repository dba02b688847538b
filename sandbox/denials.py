"""A refusal is a value: what was refused, by which rule, on which legal basis.

Errors (exceptions) of the package:

    SandboxError
    ├── PolicyRefused      a policy document that we do not fully understand
    ├── SnapshotRefused    a source file that cannot become the snapshot its policy describes
    ├── ReceiptRefused     a receipt that is none, or not the one of this key or this answer
    └── QueryRefused       inside the gate only; `query.check` turns it into a `Denied`
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Denied:
    """`code` is stable; `facts` are the numbers and names a sentence needs, never a value from the data."""

    code: str
    facts: Mapping[str, object] = field(default_factory=dict)
    basis: str = ""


class SandboxError(Exception):
    """Base of every error this package raises; it carries the refusal it stands for."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.denied = Denied(code, facts)

    @property
    def code(self) -> str:
        """The stable code of the refusal."""
        return self.denied.code


class PolicyRefused(SandboxError):
    """The policy has an unknown key, a wrong type or a mode that this version cannot enforce."""


class SnapshotRefused(SandboxError):
    """The source lacks a column of the policy, or holds one in a type that cannot be protected."""


class ReceiptRefused(SandboxError):
    """The receipt does not hold."""


class QueryRefused(SandboxError):
    """One rule of the gate said no."""
