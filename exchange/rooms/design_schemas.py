"""The shape of a design's answers, for form and program alike; what they mean is checked in design_answers.problems."""

from datetime import date
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from exchange.accounts.schemas import storable
from exchange.catalogue.schemas import CHOOSE, NOT_TEXT, WHOLE, Count
from exchange.errors import N_
from exchange.rooms.design_answers import (
    LARGEST_GROUP,
    LONGEST_VALUE,
    MOST_EPSILON,
    MOST_ROWS_PER_UNIT,
    ROUNDINGS,
    USES,
)
from exchange.rooms.policies import QUESTIONS
from sandbox.draft import DIM_VALUES
from sandbox.policy import GRAINS
from sandbox.templates import MOST_TEMPLATES

MOST_COLUMNS = 1_000
EPSILON = N_("Give a number from 0.001 to 10.")
NUMBER = N_("This must be a number.")
DAY = N_("Give a day of the calendar.")
TOO_MANY = N_("These are too many values, or one is too long.")


class Number(fields.Field[int | float | None]):
    """A finite number; whole ones stay whole."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | float | None:
        if value in ("", None):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 40:
            raise ValidationError(NUMBER)
        try:
            number = float(value)
        except ValueError:
            raise ValidationError(NUMBER) from None
        if not abs(number) <= 10**15:  # NaN is not either
            raise ValidationError(NUMBER)
        return int(number) if number == int(number) else number


def _day(text: str) -> None:
    """A day that has a month after it: the list of months ends there."""
    try:
        found = date.fromisoformat(text) if text else date(2000, 1, 1)
    except ValueError:
        raise ValidationError(DAY) from None
    if not 1900 <= found.year <= 2200:
        raise ValidationError(DAY)


def _days() -> fields.String:
    return fields.String(load_default="", allow_none=True, validate=[validate.Length(max=10, error=DAY), _day])


def _whole(low: int, high: int) -> Count:
    field = Count(low, high)
    field.required, field.allow_none = True, False
    field.error_messages = {**field.error_messages, "required": WHOLE, "null": WHOLE}
    return field


class ColumnSchema(Schema):
    """One column."""

    class Meta:
        unknown = RAISE

    use = fields.String(required=True, validate=validate.OneOf(USES, error=CHOOSE))
    values = fields.List(
        fields.String(validate=[validate.Length(min=1, max=LONGEST_VALUE, error=TOO_MANY), storable]),
        load_default=list, validate=validate.Length(max=DIM_VALUES, error=TOO_MANY),
    )  # fmt: skip
    public = fields.Boolean(load_default=False)
    low = Number(load_default=None, allow_none=True)
    high = Number(load_default=None, allow_none=True)
    first = _days()
    last = _days()


class AnswersSchema(Schema):
    """All of them."""

    class Meta:
        unknown = RAISE

    unit = fields.String(load_default="", validate=[validate.Length(max=200, error=CHOOSE), storable])
    rows_per_unit = _whole(1, MOST_ROWS_PER_UNIT)
    min_group = _whole(2, LARGEST_GROUP)
    grain = fields.String(load_default="month", validate=validate.OneOf(GRAINS[2:], error=CHOOSE))
    questions = _whole(1, QUESTIONS)
    per_day = _whole(1, QUESTIONS)
    noise = fields.Boolean(load_default=False)
    epsilon_total_micro = fields.Integer(
        load_default=2_000_000, strict=True, validate=validate.Range(1_000, MOST_EPSILON, error=EPSILON)
    )
    epsilon_release_micro = fields.Integer(
        load_default=100_000, strict=True, validate=validate.Range(1_000, MOST_EPSILON, error=EPSILON)
    )
    round_to = fields.Integer(load_default=1, validate=validate.OneOf(ROUNDINGS, error=CHOOSE))
    watermark = fields.Boolean(load_default=False)
    # The provider's own questions (sandbox.templates reads them, strictly); from programs, pages only keep them.
    templates = fields.List(fields.Dict(), validate=validate.Length(max=MOST_TEMPLATES, error=TOO_MANY))
    columns = fields.Dict(
        keys=fields.String(validate=[validate.Length(max=200, error=CHOOSE), storable]),
        values=fields.Nested(ColumnSchema), required=True, validate=validate.Length(max=MOST_COLUMNS, error=TOO_MANY),
    )  # fmt: skip


class TrySchema(Schema):
    """A question for the twin; with ``answers`` for the twin of these, otherwise of the design in force."""

    class Meta:
        unknown = RAISE

    sql = fields.String(required=True, error_messages={"required": N_("Fill in this field."), "invalid": NOT_TEXT})
    answers = fields.Nested(AnswersSchema, load_default=None, allow_none=True)
