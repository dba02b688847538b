"""The fields of trial forms and of their JSON; what they mean is checked by the use cases."""

import re
from collections.abc import Iterable
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from exchange.catalogue.schemas import CHOOSE, LONG, NOT_TEXT, SHORT, Count, Dong, Text
from exchange.catalogue.vocabulary import SECTORS, TRADEABLE
from exchange.errors import N_
from exchange.trials import rules

DAY = N_("Give a day of the calendar.")
_DAY: dict[str, Any] = {"required": DAY, "null": DAY, "invalid": DAY}
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class Places(fields.Field[list[str]]):
    """Territory codes: a JSON list, or a line with commas."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        parts = re.split(r"[\s,;]+", value) if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise ValidationError(CHOOSE)
        found = [part.strip().upper() for part in parts if part.strip()]
        if not found or len(found) > 70 or not all(_PLACE.fullmatch(part) for part in found):
            raise ValidationError(CHOOSE)
        return found


def _codes(known: Iterable[str]) -> fields.List:
    """Ticked boxes of a closed list, at least one."""
    one = fields.String(validate=validate.OneOf([*known], error=CHOOSE), error_messages={"invalid": CHOOSE})
    messages: dict[str, Any] = {"required": CHOOSE, "null": CHOOSE, "invalid": CHOOSE}
    return fields.List(one, required=True, validate=validate.Length(min=1, error=CHOOSE), error_messages=messages)


class _Form(Schema):
    class Meta:
        unknown = EXCLUDE


class CertificateSchema(_Form):
    """The pilot's certificate."""

    cert_no = Text(SHORT, lines=False)  # empty or absent: the use case refuses by T1
    authority = Text(SHORT, lines=False)
    valid_from = fields.Date(required=True, error_messages=_DAY)
    valid_to = fields.Date(required=True, error_messages=_DAY)
    level = fields.Integer(
        required=True,
        validate=validate.Range(1, 3, error=CHOOSE),
        error_messages={"required": CHOOSE, "null": CHOOSE, "invalid": CHOOSE},
    )
    sectors = _codes(SECTORS)
    classes = _codes(TRADEABLE)
    verbs = _codes(rules.VERBS)
    territory = Places(required=True, error_messages={"required": CHOOSE, "null": CHOOSE})
    max_members = Count(0, 1_000_000)
    max_listings = Count(0, 1_000_000)
    max_tx_vnd = Dong()
    max_total_vnd = Dong()
    notice_version = Text(SHORT, lines=False)


class AccountChangeSchema(_Form):
    """What happens to an account of questions, and why; larger budgets where it goes on."""

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
