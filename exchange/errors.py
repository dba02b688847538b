"""The exchange's errors, all of them.

::

    ExchangeError
    ├── ConfigurationError      (config.py) the process must not start
    ├── NotSignedIn             401: nobody is there
    ├── NotPermitted            403: somebody is there, but without the right
    ├── NotFound                404: no such thing, or not for this reader
    └── Refused                 409/422: a rule says no; carries code, legal basis, value and what would pass
        └── Refusals            several of them, field by field

A text is an English msgid marked with ``N_``; the edge (error_pages.py) translates it and fills in ``facts``.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any


def N_(text: str) -> str:
    """Mark a sentence for translation without translating it here: use cases do not know the reader's language."""
    return text


class ExchangeError(Exception):
    """Base of every error raised on purpose in this package."""


class NotSignedIn(ExchangeError):
    """The action needs somebody to be signed in."""


class NotPermitted(ExchangeError):
    """The actor lacks the named permission (or, with ``reason``, something else about them forbids it)."""

    def __init__(self, permission: str, reason: str = "") -> None:
        super().__init__(permission)
        self.permission, self.reason = permission, reason


class NotFound(ExchangeError):
    """No such thing for this reader. Also raised where saying 'forbidden' would tell that it exists."""


@dataclasses.dataclass(frozen=True)
class Judged:
    """Where it is a controlled trial that refuses: which one, by which of its rules, what was tried and about what."""

    trial_id: str
    rule: str  # T1 to T18, X30
    kind: str  # sandbox.actions.ActionKind
    about: tuple[str, ...] = ()  # subjects as the log names them, "listing:…"


@dataclasses.dataclass(frozen=True)
class Refusal:
    """One rule's no. ``vi``/``en`` are set where a core package has already put it into words."""

    code: str
    text: str = ""
    field: str | None = None
    basis: str | None = None
    value: str | None = None
    passes: str | None = None
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    vi: str | None = None
    en: str | None = None
    passes_vi: str | None = None
    passes_en: str | None = None
    judged: Judged | None = None


class Refused(ExchangeError):
    """One or more rules refuse the action; nothing was changed.

    ``status`` is 422 for what the sender can correct in the same request, 409 for a state that forbids it,
    403 for a missing right under a contract or trial, 413/415 for files.
    """

    def __init__(self, *refusals: Refusal, status: int = 422) -> None:
        super().__init__(", ".join(r.code for r in refusals))
        self.refusals = refusals
        self.status = status

    @property
    def code(self) -> str:
        """The first refusal's code: what a program switches on."""
        return self.refusals[0].code


def refuse(code: str, text: str, *, status: int = 422, **more: Any) -> Refused:
    """Shorthand: ``raise refuse("PRICE_NOT_PUBLISHED", N_("Give a price."), field="price_vnd")``."""
    known = {k: more.pop(k) for k in ("field", "basis", "value", "passes") if k in more}
    return Refused(Refusal(code, text, facts=more, **known), status=status)
