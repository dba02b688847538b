"""The fields of a trial's forms and of their JSON, called as the arguments of the use cases, which judge them."""

import re
from collections.abc import Iterable
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

from exchange.accounts.schemas import text
from exchange.catalogue.schemas import CHOOSE, LINE, LONG, NOT_TEXT, SHORT, Count, Dong, Text
from exchange.catalogue.vocabulary import SECTORS, TRADEABLE
from exchange.errors import N_
from exchange.trials import applications, rules, service
from exchange.trials.dossier import MOST_SAFEGUARDS, Dossier
from sandbox.rules import Entity
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


class Words(Text):
    """A text that may be left out, which is the same as an empty one: whether that will do says the use case."""

    def __init__(self, longest: int, *, lines: bool = True) -> None:
        super().__init__(longest, lines=lines)
        self.load_default = ""

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **more: Any) -> Any:
        """The text; JSON's null is none."""
        return "" if value is None else super().deserialize(value, attr, data, **more)


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

    cert_no = Words(SHORT, lines=False)  # empty: the use case refuses by T1
    authority = Words(SHORT, lines=False)
    valid_from = fields.Date(required=True, error_messages=_DAY)
    valid_to = fields.Date(required=True, error_messages=_DAY)
    level = fields.Integer(
        required=True,
        validate=validate.Range(1, 3, error=CHOOSE),
        error_messages=_CHOICE,
    )
    sectors = _codes(SECTORS)
    classes = _codes(sorted(TRADEABLE))
    verbs = _codes(rules.VERBS)
    territory = Places(required=True, error_messages=_CHOICE)
    max_members = Count(0, 1_000_000)
    max_listings = Count(0, 1_000_000)
    max_tx_vnd = Dong()
    max_total_vnd = Dong()
    notice_version = Words(SHORT, lines=False)

    @post_load
    def made(self, values: dict[str, Any], **_: object) -> dict[str, Any]:
        """A cap left empty is the usual one."""
        return {"certificate": service.Certificate(**_given(values))}


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

    @post_load
    def made(self, values: dict[str, Any], **_: object) -> dict[str, Any]:
        """What is not filled in yet stays open."""
        return {"dossier": Dossier.of(values)}


class GrantSchema(_Form):
    """What the authority puts on the certificate."""

    cert_no = Words(SHORT, lines=False)
    valid_from = OptionalDay()
    valid_to = OptionalDay()
    max_members = Count(0, 1_000_000)
    max_listings = Count(0, 1_000_000)
    max_tx_vnd = Dong(allow_none=True)
    max_total_vnd = Dong(allow_none=True)
    conditions = Words(LONG)

    @post_load
    def made(self, values: dict[str, Any], **_: object) -> dict[str, Any]:
        """A bound left empty is as applied for."""
        return {"grant": applications.Grant(**_given(values))}


class ReasonSchema(_Form):
    """Why."""

    reason = Words(LONG)


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
    basis = Words(LINE, lines=False)


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

    @post_load
    def made(self, values: dict[str, Any], **_: object) -> dict[str, Any]:
        """The statements as the rules read them; none: what was stated before still holds."""
        return {"notice_version": values["notice_version"], "entity": entity_of(values["statements"])}


def entity_of(stated: dict[str, Any] | None) -> Entity | None:
    """What an organisation stated of itself, as the rules read it."""
    if stated is None:
        return None
    return Entity(
        vietnamese=stated["vietnamese"], reorganising=stated["reorganising"],
        licence_valid_to=stated.get("licence_valid_to"), manager_degree=stated["manager_degree"],
        manager_years=stated.get("manager_years") or 0,
    )  # fmt: skip


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


STATED = tuple(StatementsSchema().fields)
