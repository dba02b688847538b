"""The fields of the form that registers a program."""

from marshmallow import fields

from exchange.accounts.schemas import Form, names, text


class ClientForm(Form):
    """A new program."""

    name = text(80)
    flow = text(16)
    redirect_uris = text(4000, required=False)  # one a line
    scopes = names(required=False)
    roles = names(required=False)
    confidential = fields.Boolean(load_default=False)
