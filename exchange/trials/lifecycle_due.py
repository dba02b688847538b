"""What the clock brings to a trial: a decision that an authority owes, the last day to ask for more time, the end."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from exchange.accounts.models import Organisation
from exchange.notices.due import Due
from exchange.permissions import OrgKind
from exchange.trials import lifecycle, service
from exchange.trials.application_models import Authority, TrialApplication
from exchange.trials.models import Enrolment, Trial
from sandbox import trial as core
from sandbox.days import working_days_left
from sandbox.trial import State

SOON = 3  # working days left for a decision
ASK_AHEAD = timedelta(days=30)  # before the last day on which an extension can be asked for
ENDING = timedelta(days=14)
LIVING = frozenset({State.NOT_STARTED, State.ACTIVE, State.SUSPENDED})


def due(session: Session, now: datetime) -> Iterable[Due]:
    """Every warning that is due at ``now``."""
    yield from _decisions(session, now)
    for row in session.exec(select(Trial).order_by(col(Trial.id))).all():
        trial = service.core_of(session, row)
        if core.state(trial, now) in LIVING:
            yield from _ends(session, row, trial, now)


def _decisions(session: Session, now: datetime) -> Iterable[Due]:
    query = (
        select(TrialApplication, Authority.org_id)
        .join(Authority, col(Authority.id) == col(TrialApplication.authority_id))
        .where(TrialApplication.state == "submitted")
        .order_by(col(TrialApplication.id))
    )
    for row, org_id in session.exec(query).all():
        if row.due_on is None:
            continue
        left, page = working_days_left(core.local_day(now), row.due_on), f"/trial/applications/{row.id}"
        facts = {"due": row.due_on.isoformat()}
        if left < 0:
            yield Due(f"application:{row.id}:{row.due_on}:late", "application.late", (org_id, row.org_id), facts, page)
        elif left <= SOON:
            yield Due(f"application:{row.id}:{row.due_on}:soon", "application.due", (org_id,), facts, page)


def _ends(session: Session, row: Trial, trial: core.Trial, now: datetime) -> Iterable[Due]:
    today, last, page = core.local_day(now), core.last_day(trial, now), f"/trials/{row.id}"
    ask_by = last - timedelta(days=trial.profile.ask_before_days)
    more = len(core.extensions(trial, now)) < trial.profile.max_extensions
    operators = tuple(session.exec(select(Organisation.id).where(Organisation.kind == OrgKind.OPERATOR)))
    facts = {"day": ask_by.isoformat(), "ends": last.isoformat()}
    if more and ask_by - ASK_AHEAD <= today <= ask_by and lifecycle.open_asking(session, row) is None:
        yield Due(f"trial:{row.id}:{last}:ask", "trial.ask", operators, facts, page)
    if last - ENDING <= today <= last:
        inside = select(Enrolment.org_id).where(Enrolment.trial_id == row.id, col(Enrolment.ended_at).is_(None))
        orgs = (*operators, *session.exec(inside))
        yield Due(f"trial:{row.id}:{last}:end", "trial.ending", orgs, facts, page)
