"""An organisation's webhooks: adding, removing, changing the secret, looking at what was sent, sending it again.

The secret is shown once and kept wrapped; for a day after it is replaced the old one signs too, so that a receiver can
change over without refusing anything (Standard Webhooks, "Secret rotation").
"""

import base64
import secrets
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select, update

from exchange import audit
from exchange.db import new_id
from exchange.errors import N_, NotFound, refuse
from exchange.ledger import disclosures
from exchange.notices import address
from exchange.notices.models import Webhook, WebhookDelivery
from exchange.permissions import Actor, Permission, require

MOST = 5  # of one organisation
OVERLAP = timedelta(hours=24)
TEST = "webhook.test"
SHOWN = 50  # deliveries on a page
_PREFIX = "whsec_"
_BYTES = 32  # the convention asks for 24 to 64


def hooks_of(session: Session, actor: Actor | None) -> list[Webhook]:
    """Those that were not removed, oldest first."""
    actor = require(actor, Permission.MANAGE_WEBHOOKS)
    query = select(Webhook).where(Webhook.org_id == actor.org_id, col(Webhook.removed_at).is_(None))
    return list(session.exec(query.order_by(col(Webhook.created_at), col(Webhook.id))))


def add(session: Session, actor: Actor | None, url: str, now: datetime, *, local: bool) -> tuple[Webhook, str]:
    """A new webhook and its secret, which nobody can be shown again. ``local``: plain HTTP to this machine will do."""
    actor = require(actor, Permission.MANAGE_WEBHOOKS)
    address.check(url, local=local)
    if len(hooks_of(session, actor)) >= MOST:
        text = N_("Your organisation has %(most)s webhooks already, the most there can be.")
        raise refuse("WEBHOOKS_TOO_MANY", text, field="url", status=409, most=MOST)
    secret = secrets.token_bytes(_BYTES)
    hook = Webhook(id=new_id(), org_id=actor.org_id, url=url, secret=b"", created_at=now)
    hook.secret = disclosures.wrap(session, secret, _about(hook.id))
    session.add(hook)
    session.flush()
    _record(session, actor, "webhook-added", hook, now)
    return hook, format_secret(secret)


def remove(session: Session, actor: Actor | None, hook_id: str, now: datetime) -> None:
    """It is sent nothing any more, and what waited is given up."""
    hook = own(session, actor, hook_id, for_update=True)
    hook.removed_at, hook.secret, hook.old_secret = now, b"", None
    session.add(hook)
    waiting = update(WebhookDelivery).where(
        col(WebhookDelivery.webhook_id) == hook.id, col(WebhookDelivery.state) == "waiting"
    )
    session.exec(waiting.values(state="dead", code="removed"))
    _record(session, actor, "webhook-removed", hook, now)


def rotate(session: Session, actor: Actor | None, hook_id: str, now: datetime) -> tuple[Webhook, str]:
    """A new secret, shown now and never again. For a day both sign; of an older one nothing is left."""
    hook = own(session, actor, hook_id, for_update=True)
    secret = secrets.token_bytes(_BYTES)
    hook.old_secret, hook.old_until = hook.secret, now + OVERLAP
    hook.secret = disclosures.wrap(session, secret, _about(hook.id))
    session.add(hook)
    _record(session, actor, "webhook-rotated", hook, now)
    return hook, format_secret(secret)


def enable(session: Session, actor: Actor | None, hook_id: str, now: datetime) -> Webhook:
    """Switch one on again that has failed too long. What happened meanwhile is not sent."""
    hook = own(session, actor, hook_id, for_update=True)
    if hook.disabled_at is not None:
        hook.disabled_at = hook.failing_since = None
        session.add(hook)
        _record(session, actor, "webhook-enabled", hook, now)
    return hook


def deliveries_of(session: Session, actor: Actor | None, hook_id: str, state: str = "") -> list[WebhookDelivery]:
    """The newest messages, those in one state only if it is named ("dead": given up)."""
    hook = own(session, actor, hook_id)
    query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == hook.id)
    if state:
        query = query.where(WebhookDelivery.state == state)
    return list(
        session.exec(query.order_by(col(WebhookDelivery.at).desc(), col(WebhookDelivery.id).desc()).limit(SHOWN))
    )


def dead_counts(session: Session, hooks: list[Webhook]) -> dict[str, int]:
    """How many messages to each were given up."""
    query = select(WebhookDelivery.webhook_id, func.count()).where(
        col(WebhookDelivery.webhook_id).in_([hook.id for hook in hooks]), WebhookDelivery.state == "dead"
    )
    return dict(session.exec(query.group_by(col(WebhookDelivery.webhook_id))).all())


def redeliver(session: Session, actor: Actor | None, hook_id: str, message_id: str, now: datetime) -> WebhookDelivery:
    """Send a message again under its old id, with a full number of tries, even one that arrived."""
    hook = _listening(session, actor, hook_id)
    found = session.get(WebhookDelivery, (hook.id, message_id), with_for_update=True)
    if found is None:
        raise NotFound()
    found.state, found.tries, found.next_at = "waiting", 0, now
    session.add(found)
    return found


def test(session: Session, actor: Actor | None, hook_id: str, now: datetime) -> WebhookDelivery:
    """A message that reports nothing, to see whether the receiver answers."""
    hook = _listening(session, actor, hook_id)
    message = WebhookDelivery(webhook_id=hook.id, id=new_id(), type=TEST, data={}, at=now, next_at=now)
    session.add(message)
    return message


def own(session: Session, actor: Actor | None, hook_id: str, *, for_update: bool = False) -> Webhook:
    """A webhook of the actor's organisation; anything else does not exist for them."""
    actor = require(actor, Permission.MANAGE_WEBHOOKS)
    hook = session.get(Webhook, hook_id, with_for_update=for_update or None)
    if hook is None or hook.org_id != actor.org_id or hook.removed_at is not None:
        raise NotFound()
    return hook


def _listening(session: Session, actor: Actor | None, hook_id: str) -> Webhook:
    hook = own(session, actor, hook_id, for_update=True)
    if hook.disabled_at is not None:
        text = N_("This webhook is switched off. Switch it on again first.")
        raise refuse("WEBHOOK_DISABLED", text, status=409)
    return hook


# --- secrets ------------------------------------------------------------------------------------------------------


def format_secret(secret: bytes) -> str:
    """As the convention writes it: ``whsec_`` and base64."""
    return _PREFIX + base64.b64encode(secret).decode("ascii")


def secrets_of(session: Session, hook: Webhook, now: datetime) -> list[bytes]:
    """With which a message is signed now: the present secret, and the one before it while both hold."""
    wrapped = [hook.secret]
    if hook.old_secret is not None and hook.old_until is not None and now < hook.old_until:
        wrapped.append(hook.old_secret)
    return [disclosures.unwrap(session, each, _about(hook.id)) for each in wrapped]


def rewrap(session: Session, old_secret: str) -> int:
    """After the server's secret was replaced; returns how many webhooks that concerns."""
    hooks = session.exec(select(Webhook).where(col(Webhook.removed_at).is_(None)).with_for_update()).all()
    for hook in hooks:
        plain = disclosures.unwrap(session, hook.secret, _about(hook.id), old_secret=old_secret)
        hook.secret, hook.old_secret = disclosures.wrap(session, plain, _about(hook.id)), None
        session.add(hook)
    return len(hooks)


def _about(hook_id: str) -> str:
    return f"webhook:{hook_id}"


def _record(session: Session, actor: Actor | None, change: str, hook: Webhook, now: datetime) -> None:
    details = {"change": change, "webhook": hook.id}
    audit.record(session, "account.changed", actor, on=[f"org:{hook.org_id}"], now=now, details=details)


def switch_off(session: Session, hook: Webhook, now: datetime) -> None:
    """After days of nothing but failures, or because the receiver says that it is gone; its organisation is told."""
    hook.disabled_at = now
    session.add(hook)
    _record(session, None, "webhook-disabled", hook, now)
