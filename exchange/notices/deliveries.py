"""The webhook messages that wait, posted: several receivers at a time, each one by one, nothing locked meanwhile.

A message that is not taken is tried again by the convention's schedule and given up after its last try. Each result is
noted in a transaction of its own; a crash before it repeats one message under its old id, which receivers know by that.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, func, select

from exchange import clock
from exchange.config import Config
from exchange.db import Database
from exchange.ledger.disclosures import SubjectKeyError
from exchange.notices import hooks, sending
from exchange.notices.models import Webhook, WebhookDelivery

# Standard Webhooks, "Retry schedule": after each failure; the first try is made at once.
PAUSES = tuple(
    timedelta(seconds=s) for s in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)  # fmt: skip
HOPELESS = timedelta(days=5)  # of nothing but failures: then the webhook is switched off
AT_ONCE = 8  # receivers
GONE = "410"  # the receiver says that it wants no more (Standard Webhooks, "Deleted endpoints")

log = structlog.get_logger()


@dataclass(frozen=True)
class _Message:
    """What is posted, read before anything is sent."""

    webhook_id: str
    id: str
    url: str
    headers: dict[str, str]
    body: bytes


class Deliveries:
    """The sender of one process; whoever leads calls :meth:`run_once`."""

    def __init__(self, database: Database, config: Config) -> None:
        self._database, self._local = database, not config.production
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")

    def run_once(self) -> int:
        """Post the oldest message that is due for each webhook; returns how many were taken."""
        now = clock.now()
        with self._database.reading() as session:
            messages = _due(session, now)
        codes = list(self._pool.map(self._post, messages))
        for message, code in zip(messages, codes, strict=True):
            self._note(message, code)
        return sum(_taken(code) for code in codes)

    def stop(self) -> None:
        """Begin nothing new; what is under way ends by itself within seconds."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _post(self, message: _Message) -> str:
        return sending.post(message.url, message.headers, message.body, local=self._local)

    def _note(self, message: _Message, code: str) -> None:
        now = clock.now()
        with self._database.writing() as session:
            hook = session.get_one(Webhook, message.webhook_id, with_for_update=True)
            row = session.get_one(WebhookDelivery, (message.webhook_id, message.id))
            row.tries, row.code = row.tries + 1, code
            if _taken(code):
                row.state, hook.failing_since = "done", None
            else:
                _put_off(row, hook, now)
            session.add_all([row, hook])
            if hook.disabled_at is None and hook.removed_at is None and _is_hopeless(hook, code, now):
                hooks.switch_off(session, hook, now)
            session.commit()


def _put_off(row: WebhookDelivery, hook: Webhook, now: datetime) -> None:
    hook.failing_since = hook.failing_since or now
    if row.tries > len(PAUSES) or hook.removed_at is not None:
        row.state = "dead"
    else:
        row.next_at = now + PAUSES[row.tries - 1]


def _is_hopeless(hook: Webhook, code: str, now: datetime) -> bool:
    return code == GONE or (hook.failing_since is not None and now - hook.failing_since >= HOPELESS)


def _taken(code: str) -> bool:
    return code.isdecimal() and 200 <= int(code) < 300


def _due(session: Session, now: datetime) -> list[_Message]:
    """The oldest due message of each webhook that listens."""
    place = func.row_number().over(
        partition_by=col(WebhookDelivery.webhook_id), order_by=(col(WebhookDelivery.next_at), col(WebhookDelivery.id))
    )
    waiting = (
        select(WebhookDelivery.webhook_id, WebhookDelivery.id, place.label("place"))
        .where(WebhookDelivery.state == "waiting", col(WebhookDelivery.next_at) <= now)
        .subquery()
    )
    query = (
        select(WebhookDelivery, Webhook)
        .join(waiting, (waiting.c.webhook_id == WebhookDelivery.webhook_id) & (waiting.c.id == WebhookDelivery.id))
        .join(Webhook, col(Webhook.id) == col(WebhookDelivery.webhook_id))
        .where(waiting.c.place == 1, col(Webhook.disabled_at).is_(None), col(Webhook.removed_at).is_(None))
    )
    found = []
    for row, hook in session.exec(query):
        try:
            keys = hooks.secrets_of(session, hook, now)
        except SubjectKeyError as error:
            log.error("webhook", failure=str(error))
            continue
        body = sending.body_of(row.type, row.at, row.data | {"event": row.id} if row.type != hooks.TEST else {})
        found.append(_Message(hook.id, row.id, hook.url, sending.headers_of(row.id, now, body, keys), body))
    return found
