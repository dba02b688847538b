"""What somebody wants to do inside a trial, and the shape that every rule has."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from sandbox.denials import Denied
from sandbox.trial import Approver, Trial, Verb


class ActionKind(StrEnum):
    """What somebody wants to do inside the trial."""

    ENROL = "enrol"
    LIST = "list"
    ORDER = "order"
    CONTRACT = "contract"
    DELIVER = "deliver"
    QUERY = "query"
    EXPORT = "export"
    PROMOTE = "promote"  # from the trial to regular business
    APPLY = "apply"  # for a trial
    APPROVE = "approve"  # an application
    EXTEND = "extend"  # ask for, or grant, a later last day
    CLOSE = "close"


@dataclass(frozen=True)
class Usage:
    """What the trial has used up before this action."""

    members: int = 0
    listings: int = 0
    total_vnd: int = 0


@dataclass(frozen=True)
class Entity:
    """The organisation that would take part, as its dossier shows it (T4-T6)."""

    vietnamese: bool
    reorganising: bool  # splitting, merging, dissolving or bankrupt
    licence_valid_to: date | None  # last day of its business licence; None: without term
    manager_degree: str  # economics, business, law, it, or anything else
    manager_years: int  # whole years of management


@dataclass(frozen=True)
class Action:
    """One wish. `notice_accepted` is the notice version the person accepted (True: the current one).

    `entity` belongs to an enrolment; `approver`, and the `provinces` it is responsible for (none: not said), to an
    application, its approval and an extension; `until` is the last day that an extension is to reach.
    """

    kind: str
    sector: str | None = None
    classification: str | None = None
    territory: tuple[str, ...] = ()
    amount_vnd: int = 0
    notice_accepted: str | bool | None = None
    used: Usage = Usage()
    entity: Entity | None = None
    approver: Approver | None = None
    provinces: tuple[str, ...] = ()
    until: date | None = None
    again: bool = False  # of something that is on show already: a newer version, a listing put back


VERB_OF = {
    ActionKind.LIST: Verb.DISTRIBUTE,
    ActionKind.ORDER: Verb.DISTRIBUTE,
    ActionKind.CONTRACT: Verb.DISTRIBUTE,
    ActionKind.DELIVER: Verb.DISTRIBUTE,
    ActionKind.QUERY: Verb.PROCESS,
    ActionKind.EXPORT: Verb.PROCESS,
}
BOUND_TO_DATA = frozenset(VERB_OF)
CROSSES_HANDS = frozenset({ActionKind.ORDER, ActionKind.CONTRACT, ActionKind.DELIVER})
SPENDS = frozenset({ActionKind.ORDER, ActionKind.CONTRACT})
NEEDS_NOTICE = frozenset({ActionKind.ORDER, ActionKind.CONTRACT, ActionKind.QUERY})
PREPARES = frozenset({ActionKind.APPLY, ActionKind.APPROVE})  # before there is a certificate that could bar anything
AUTHORISES = PREPARES | {ActionKind.EXTEND}
RUNS = frozenset(ActionKind) - PREPARES - {ActionKind.CLOSE}  # what stops while a trial does not run


class Rule(Protocol):
    """A rule yields a denial for every reason it finds. `parameters` are those of the profile that it reads."""

    rule: ClassVar[str]  # its number in the table of law
    code: ClassVar[str]
    basis: ClassVar[str]  # of the rule itself; a denial that rests on a parameter names the parameter's
    parameters: ClassVar[tuple[str, ...]]

    def check(self, trial: Trial, action: Action, now: datetime) -> Iterator[Denied]: ...


def runs(action: Action) -> bool:
    """Whether the action belongs to the running trial; a kind that nobody knows does."""
    return action.kind in RUNS or action.kind not in set(ActionKind)
