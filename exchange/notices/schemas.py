"""Fields of the forms and of the JSON of notices and webhooks."""

from marshmallow import Schema, fields, validate

from exchange.accounts.schemas import Form, names, text
from exchange.errors import N_

_ID = validate.Regexp(r"[0-9A-Za-z-]{1,64}\Z", error=N_("An id has only letters, digits and hyphens."))


class PageForm(Form):
    """Which notices: only those not read, only those before an id."""

    unread = fields.Boolean(load_default=False)
    before = fields.String(load_default=None, validate=_ID)


class SeenForm(Form):
    """Everything up to this notice is read."""

    newest = fields.String(required=True, validate=_ID)


class ChoiceForm(Form):
    """The ticked groups come by e-mail, the others do not."""

    mail = names(required=False)
    lang = text(2)


class ChoiceView(Schema):
    """What comes by e-mail, in which language."""

    mail = fields.Dict(keys=fields.String(), values=fields.Boolean())
    lang = fields.String()


class NoticeView(Schema):
    """One notice in the reader's language."""

    id = fields.String()
    kind = fields.String()
    group = fields.String(allow_none=True)
    text = fields.String()
    facts = fields.Dict()
    path = fields.String()
    at = fields.AwareDateTime()
    read_at = fields.AwareDateTime(allow_none=True)


class NoticesView(Schema):
    """A page of notices, and where the next one begins."""

    unread = fields.Integer()
    notices = fields.List(fields.Nested(NoticeView))
    before = fields.String(allow_none=True)


class HookForm(Form):
    """The address of a new webhook."""

    url = text(400)


class HookJson(Schema):
    """The same as JSON."""

    url = text(400)


class HookView(Schema):
    """A webhook, without its secret."""

    id = fields.String()
    url = fields.String()
    created_at = fields.AwareDateTime()
    failing_since = fields.AwareDateTime(allow_none=True)
    disabled_at = fields.AwareDateTime(allow_none=True)


class NewSecretView(HookView):
    """A webhook with its new secret, which stands in this answer and nowhere afterwards."""

    secret = fields.String()


class MessageView(Schema):
    """A message to a webhook and how it went."""

    id = fields.String()
    type = fields.String()
    data = fields.Dict()
    at = fields.AwareDateTime()
    state = fields.String()
    tries = fields.Integer()
    next_at = fields.AwareDateTime()
    code = fields.String(allow_none=True)


class StateForm(Form):
    """Messages in one state, or all."""

    state = fields.String(
        load_default="", validate=validate.OneOf(["", "waiting", "done", "dead"], error=N_("There is no such state."))
    )
