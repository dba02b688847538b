"""The fields of a question and of what is done to an account; what they mean is checked by the use cases."""

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate

from exchange.catalogue.schemas import CHOOSE, LONG, NOT_TEXT, Count, Text
from exchange.errors import N_
from exchange.rooms import rules


class AccountChangeSchema(Schema):
    """What happens to an account of questions, and why; larger budgets where it goes on."""

    class Meta:
        unknown = EXCLUDE

    kind = fields.String(
        required=True,
        validate=validate.OneOf(["pause", "resume", "kill"], error=CHOOSE),
        error_messages={"required": CHOOSE, "null": CHOOSE, "invalid": CHOOSE},
    )
    reason = Text(LONG)
    questions = Count(0, 1_000_000)
    epsilon_micro = Count(0, 1_000_000_000)


class QuestionSchema(Schema):
    """A question as JSON. Anything is text; the gate judges it."""

    class Meta:
        unknown = RAISE

    sql = fields.String(required=True, error_messages={"required": N_("Fill in this field."), "invalid": NOT_TEXT})
    purpose = fields.String(load_default=rules.UNSAID, allow_none=True)
    output = fields.String(load_default="view")
    policy_hash = fields.String(load_default=None, allow_none=True)
