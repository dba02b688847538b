"""JSON: a person's notices and choices, an organisation's webhooks (scope ``webhooks``)."""

from typing import Any

from exchange import clock, identity
from exchange.accounts.models import User
from exchange.bodies import Blueprint
from exchange.i18n import language
from exchange.notices import hooks, saying, schemas, service
from exchange.notices.hooks_web import is_local
from exchange.notices.models import Notice, Webhook, WebhookDelivery
from exchange.notices.words import told
from exchange.permissions import Permission, needs

blueprint = Blueprint(
    "notices_api", __name__, url_prefix="/api/v1", description="What happened: notices and webhooks"
)  # fmt: skip


@blueprint.get("/notices")
@needs(Permission.SIGNED_IN)
@blueprint.arguments(schemas.PageForm, location="query")
@blueprint.response(200, schemas.NoticesView)
def listing(asked: dict[str, Any]) -> dict[str, Any]:
    """One's notices, newest first; ?unread=1 only those not read, ?before= the next page"""
    db, actor = identity.db_session(), identity.the_actor()
    found, more = service.page_of(db, actor, only_unread=asked["unread"], before=asked["before"])
    names = saying.listing_names(db, found, language())
    notices = [_view(notice, saying.say(notice, names, language())) for notice in found]
    return {"unread": service.unread(db, actor), "notices": notices, "before": more}


@blueprint.post("/notices/<notice_id>/read")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, schemas.NoticeView)
def mark_read(notice_id: str) -> dict[str, Any]:
    """The notice is read"""
    db = identity.db_session()
    notice = service.mark_read(db, identity.the_actor(), notice_id, clock.now())
    answer = _view(notice, saying.say(notice, saying.listing_names(db, [notice], language()), language()))
    db.commit()
    return answer


@blueprint.get("/notices/choices")
@needs(Permission.SIGNED_IN)
@blueprint.response(200, schemas.ChoiceView)
def choices() -> dict[str, Any]:
    """Which groups come by e-mail, in which language; the person changes it on the page /me/notices"""
    db, actor = identity.db_session(), identity.the_actor()
    return {"mail": service.choices(db, actor), "lang": db.get_one(User, actor.user_id).locale}


@blueprint.get("/webhooks")
@needs(Permission.MANAGE_WEBHOOKS)
@blueprint.response(200, schemas.HookView(many=True))
def hook_list() -> list[Webhook]:
    """The organisation's webhooks"""
    return hooks.hooks_of(identity.db_session(), identity.the_actor())


@blueprint.post("/webhooks")
@needs(Permission.MANAGE_WEBHOOKS)
@blueprint.arguments(schemas.HookJson)
@blueprint.response(201, schemas.NewSecretView)
def add(body: dict[str, Any]) -> dict[str, Any]:
    """A new webhook; its secret is in this answer only"""
    made = hooks.add(identity.db_session(), identity.the_actor(), body["url"], clock.now(), local=is_local())
    identity.commit_logged()
    return _with_secret(*made)


@blueprint.delete("/webhooks/<hook_id>")
@needs(Permission.MANAGE_WEBHOOKS)
@blueprint.response(204)
def remove(hook_id: str) -> None:
    """It is sent nothing any more"""
    hooks.remove(identity.db_session(), identity.the_actor(), hook_id, clock.now())
    identity.commit_logged()


@blueprint.post("/webhooks/<hook_id>/rotate")
@needs(Permission.MANAGE_WEBHOOKS)
@blueprint.response(200, schemas.NewSecretView)
def rotate(hook_id: str) -> dict[str, Any]:
    """A new secret, in this answer only; for a day the old one signs too"""
    made = hooks.rotate(identity.db_session(), identity.the_actor(), hook_id, clock.now())
    identity.commit_logged()
    return _with_secret(*made)


@blueprint.post("/webhooks/<hook_id>/enable")
@needs(Permission.MANAGE_WEBHOOKS)
@blueprint.response(200, schemas.HookView)
def enable(hook_id: str) -> Webhook:
    """Switch it on again after it failed too long"""
    hook = hooks.enable(identity.db_session(), identity.the_actor(), hook_id, clock.now())
    identity.commit_logged()
    return hook


@blueprint.post("/webhooks/<hook_id>/test")
@needs(Permission.MANAGE_WEBHOOKS)
@blueprint.response(202, schemas.MessageView)
def test(hook_id: str) -> WebhookDelivery:
    """Send a message that reports nothing"""
    message = hooks.test(identity.db_session(), identity.the_actor(), hook_id, clock.now())
    identity.db_session().commit()
    return message


@blueprint.get("/webhooks/<hook_id>/messages")
@needs(Permission.MANAGE_WEBHOOKS)
@blueprint.arguments(schemas.StateForm, location="query")
@blueprint.response(200, schemas.MessageView(many=True))
def messages(asked: dict[str, Any], hook_id: str) -> list[WebhookDelivery]:
    """The newest messages to a webhook; ?state=dead: those that were given up"""
    return hooks.deliveries_of(identity.db_session(), identity.the_actor(), hook_id, asked["state"])


@blueprint.post("/webhooks/<hook_id>/messages/<message_id>/again")
@needs(Permission.MANAGE_WEBHOOKS)
@blueprint.response(202, schemas.MessageView)
def again(hook_id: str, message_id: str) -> WebhookDelivery:
    """Send a message once more, under its old id"""
    message = hooks.redeliver(identity.db_session(), identity.the_actor(), hook_id, message_id, clock.now())
    identity.db_session().commit()
    return message


def _view(notice: Notice, text: str) -> dict[str, Any]:
    how = told(notice.kind)
    fields = notice.model_dump(include={"id", "kind", "facts", "path", "at", "read_at"})
    return fields | {"text": text, "group": how and str(how.group)}


def _with_secret(hook: Webhook, secret: str) -> dict[str, Any]:
    return hook.model_dump(include={"id", "url", "created_at", "failing_since", "disabled_at"}) | {"secret": secret}
