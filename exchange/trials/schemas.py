"""The fields of a trial's forms and of their JSON; what they mean is checked by the use cases."""

import re
from collections.abc import Iterable
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from exchange.accounts.schemas import text
from exchange.catalogue.schemas import CHOOSE, LINE, LONG, NOT_TEXT, SHORT, Count, Dong, Text
from exchange.catalogue.vocabulary import SECTORS, TRADEABLE
from exchange.errors import N_
from exchange.trials import rules
from exchange.trials.dossier import MOST_SAFEGUARDS
from sandbox.rules_participants import DEGREES as FITTING
from sandbox.trial import PROFILES, Approver

DAY = N_("Give a day of the calendar.")
_DAY: dict[str, Any] = {"required": DAY, "null": DAY, "invalid": DAY}
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
CLASSES = (*sorted(TRADEABLE), "QT", "CL")  # what a trial may be asked for: personal data and secrets never are
DEGREES = (*FITTING, "other")  # T6
_CHOICE: dict[str, Any] = {"required": CHOOSE, "null": CHOOSE, "invalid": CHOOSE}


class OptionalDay(fields.Date):
    """A day; an empty field is none."""

    def __init__(self) -> None:
        super().__init__(allow_none=True, error_messages={"invalid": DAY})

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **more: Any) -> Any:
        """The day; a form sends an empty text for none."""
        return None if value == "" else super().deserialize(value, attr, data, **more)


class Lines(fields.Field[list[str]]):
    """A list of short texts: a JSON list, or one on each line of a form's field."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        parts = value.splitlines() if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise ValidationError(NOT_TEXT)
        lines = [Text(LINE, lines=False).deserialize(part) for part in parts[: MOST_SAFEGUARDS * 2] if part.strip()]
        if len(lines) > MOST_SAFEGUARDS:
            raise ValidationError(N_("At most 20 lines."))
        return lines


def _codes(known: Iterable[str]) -> fields.List:
    """Ticked boxes of a closed list, at least one."""
    one = fields.String(validate=validate.OneOf([*known], error=CHOOSE), error_messages=_CHOICE)
    return fields.List(one, required=True, validate=validate.Length(min=1, error=CHOOSE), error_messages=_CHOICE)


def _some(known: Iterable[str]) -> fields.List:
    """Ticked boxes of a closed list; none yet is allowed in a draft."""
    one = fields.String(validate=validate.OneOf([*known], error=CHOOSE), error_messages=_CHOICE)
    return fields.List(one, load_default=list, error_messages=_CHOICE)


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


class DraftPlaces(Places):
    """Territory codes; none yet is allowed in a draft."""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **more: Any) -> Any:
        """The codes; an empty field is none."""
        return [] if value in ("", []) else super().deserialize(value, attr, data, **more)


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
        error_messages=_CHOICE,
    )
    sectors = _codes(SECTORS)
    classes = _codes(TRADEABLE)
    verbs = _codes(rules.VERBS)
    territory = Places(required=True, error_messages=_CHOICE)
    max_members = Count(0, 1_000_000)
    max_listings = Count(0, 1_000_000)
    max_tx_vnd = Dong()
    max_total_vnd = Dong()
    notice_version = Text(SHORT, lines=False)


class DossierSchema(_Form):
    """The dossier of an application; a draft may lack anything."""

    question = Text(LONG)
    measure = Text(LONG)
    participants = Text(LONG)
    sectors = _some(SECTORS)
    classes = _some(CLASSES)
    verbs = _some(rules.VERBS)
    level = Count(1, 3)
    territory = DraftPlaces(load_default=list, error_messages=_CHOICE)
    valid_from = OptionalDay()
    valid_to = OptionalDay()
    max_members = Count(0, 1_000_000)
    max_listings = Count(0, 1_000_000)
    max_tx_vnd = Dong(allow_none=True)
    max_total_vnd = Dong(allow_none=True)
    safeguards = Lines(load_default=list)
    security_valid_to = OptionalDay()
    notice_version = Text(SHORT, lines=False)
    profile = fields.String(
        load_default="pilot", validate=validate.OneOf([*PROFILES], error=CHOOSE), error_messages=_CHOICE
    )
    authority_id = text(26, required=False)


class GrantSchema(_Form):
    """What the authority puts on the certificate."""

    cert_no = Text(SHORT, lines=False)
    valid_from = OptionalDay()
    valid_to = OptionalDay()
    max_members = Count(0, 1_000_000)
    max_listings = Count(0, 1_000_000)
    max_tx_vnd = Dong(allow_none=True)
    max_total_vnd = Dong(allow_none=True)
    conditions = Text(LONG)


class ReasonSchema(_Form):
    """Why."""

    reason = Text(LONG)


class CodedSchema(ReasonSchema):
    """Why, as a code of a closed list and in words."""

    code = text(40, required=False)


class ChangeSchema(CodedSchema):
    """What happens to the trial, and why."""

    kind = text(16)


class ExtensionSchema(ReasonSchema):
    """Until when more time is asked for, and why."""

    until = fields.Date(required=True, error_messages={"required": DAY, "null": DAY, "invalid": DAY})


class SecuritySchema(ReasonSchema):
    """A newer security certificate: until when, and which."""

    security_until = fields.Date(required=True, error_messages={"required": DAY, "null": DAY, "invalid": DAY})


class AnswerSchema(ReasonSchema):
    """Whether an extension is granted."""

    granted = fields.Boolean(required=True, error_messages=_CHOICE)


class AuthoritySchema(_Form):
    """A regulator that may permit trials."""

    org = text(26)
    approver = fields.String(required=True, validate=validate.OneOf([*Approver], error=CHOOSE), error_messages=_CHOICE)
    provinces = DraftPlaces(load_default=list, error_messages=_CHOICE)
    basis = Text(LINE, lines=False)


class StatementsSchema(_Form):
    """What an organisation states of itself (T4-T6)."""

    vietnamese = fields.Boolean(required=True, error_messages=_CHOICE)
    reorganising = fields.Boolean(required=True, error_messages=_CHOICE)
    licence_valid_to = OptionalDay()
    manager_degree = fields.String(
        required=True, validate=validate.OneOf(DEGREES, error=CHOOSE), error_messages=_CHOICE
    )
    manager_years = Count(0, 80)


class EnrolmentSchema(_Form):
    """The notice that was read, and the statements where they are new."""

    notice_version = text(200)
    statements = fields.Nested(StatementsSchema, load_default=None, allow_none=True)


STATED = tuple(StatementsSchema().fields)
