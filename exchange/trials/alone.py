"""One certificate governs the market at a time: what stands in the way of recording or extending another."""

from datetime import date, datetime

from sqlmodel import Session, select

from exchange.accounts.models import Organisation
from exchange.errors import Refused
from exchange.permissions import OrgKind
from exchange.trials import rules
from exchange.trials.models import Trial
from sandbox import beside
from sandbox import rules as core_rules
from sandbox import trial as core
from sandbox.rules import Action, ActionKind


def check_nothing_suspended(session: Session, now: datetime) -> None:
    """What holds a trial up (T16) cannot be got round by writing down another paper."""
    for row in session.exec(select(Trial).with_for_update()):
        trial = rules.core_of(session, row)
        if core.state(trial, now) is core.State.SUSPENDED:
            denied = core_rules.judge(trial, Action(ActionKind.ENROL), now)
            found = [rules.say_denied(each) for each in denied if each.code == core_rules.NotSuspended.code]
            raise Refused(*found, status=409)


def check_alone(
    session: Session, first: date, last: date, now: datetime, *, on_paper: bool = False, apart: str = ""
) -> None:
    """Raise Refused where the days from ``first`` to ``last`` are another certificate's than the trial ``apart``.

    The operator's row is held until the commit, so that of two certificates recorded at once the second sees the first.
    """
    session.exec(select(Organisation.id).where(Organisation.kind == OrgKind.OPERATOR).with_for_update()).all()
    denied = [
        each
        for row in session.exec(select(Trial).where(Trial.id != apart)).all()
        for each in beside.against(rules.core_of(session, row), first, last, now, on_paper=on_paper)
    ]
    if denied:
        raise Refused(*(rules.say_denied(each) for each in denied), status=409)
