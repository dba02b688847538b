"""What the clock brings: warnings that are told once each, and old things that are let go."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete

from exchange.negotiations import ending, lapsing
from exchange.notices import post, telling
from exchange.notices.due import Due
from exchange.notices.models import DueTold, Notice, WebhookDelivery
from exchange.trials import lifecycle_due, reminders

Source = Callable[[Session, datetime], Iterable[Due]]

# Who says what is due at a moment; each thing is found as long as it is due, and told the first time.
SOURCES: tuple[Source, ...] = (lapsing.due, ending.due, lifecycle_due.due, reminders.due)

NOTICES_KEPT = timedelta(days=400)
DELIVERIES_KEPT = timedelta(days=30)  # those that are done or given up


def tell_due(session: Session, now: datetime, sources: Iterable[Source] = SOURCES) -> int:
    """Tell what is due and has not been told; returns how many. One transaction: a crash tells nothing, or all of it
    with the note that it was told. Of two processes at once one tells each."""
    return sum(telling.tell_due(session, due, now) for source in sources for due in list(source(session, now)))


def forget(session: Session, now: datetime) -> None:
    """Old notices and messages are of no use to anybody; the log keeps what happened."""
    post.give_up(session, now)
    session.exec(delete(Notice).where(col(Notice.at) < now - NOTICES_KEPT))
    session.exec(delete(DueTold).where(col(DueTold.at) < now - NOTICES_KEPT))
    old = col(WebhookDelivery.at) < now - DELIVERIES_KEPT
    session.exec(delete(WebhookDelivery).where(old, col(WebhookDelivery.state) != "waiting"))
