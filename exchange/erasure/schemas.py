"""Fields of the erasure forms."""

from marshmallow import fields

from exchange.accounts.schemas import REQUIRED, Form, text


class OwnForm(Form):
    """A person erases themselves."""

    basis = text(40)
    password = fields.String(required=True, error_messages=REQUIRED)
    sure = fields.Boolean(load_default=False)


class PersonForm(Form):
    """The operator's owner erases somebody; without ``sure`` only the effect is shown."""

    email = text(254)
    basis = text(40, required=False)
    sure = fields.Boolean(load_default=False)
