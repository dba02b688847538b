"""The fields of trial forms and of their JSON; what they mean is checked by the use cases."""

import re
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from exchange.accounts.schemas import names, text
from exchange.catalogue.schemas import CHOOSE, NOT_TEXT, Count, Dong
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


class _Form(Schema):
    class Meta:
        unknown = EXCLUDE


class CertificateSchema(_Form):
    """The pilot's certificate."""

    cert_no = text(80)
    authority = text(200)
    valid_from = fields.Date(required=True, error_messages=_DAY)
    valid_to = fields.Date(required=True, error_messages=_DAY)
    level = fields.Integer(
        required=True,
        validate=validate.Range(1, 3, error=CHOOSE),
        error_messages={"required": CHOOSE, "null": CHOOSE, "invalid": CHOOSE},
    )
    sectors = names()
    classes = names()
    verbs = names()
    territory = Places(required=True, error_messages={"required": CHOOSE, "null": CHOOSE})
    max_members = Count(0, 1_000_000)
    max_listings = Count(0, 1_000_000)
    max_tx_vnd = Dong()
    max_total_vnd = Dong()
    notice_version = text(20)


class ChangeSchema(_Form):
    """What happens to the trial, and why."""

    kind = text(16)
    reason = text(2000)


class NoticeSchema(_Form):
    """The notice that was read."""

    notice_version = text(20)


class QuestionSchema(Schema):
    """A question as JSON. Anything is text; the gate judges it."""

    class Meta:
        unknown = RAISE

    sql = fields.String(required=True, error_messages={"required": N_("Fill in this field."), "invalid": NOT_TEXT})
    purpose = fields.String(load_default=rules.PURPOSE, allow_none=True)
    output = fields.String(load_default="view")
    policy_hash = fields.String(load_default=None, allow_none=True)
