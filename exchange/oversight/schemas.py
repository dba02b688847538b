"""Fields of the regulator's forms and of the JSON API."""

from typing import Any

from marshmallow import EXCLUDE, Schema, fields, pre_load, validate

from contracts.log.events import EventType
from exchange.accounts.schemas import storable
from exchange.errors import N_

_EVENTS = [event.value for event in EventType]
_EMPTY = N_("Fill this in: it is kept with every look.")
_MISSING: dict[str, Any] = {"required": _EMPTY, "null": _EMPTY}
_DAY: dict[str, Any] = {"invalid": N_("Give the day as year-month-day, for example 2026-11-22.")}
_ID = validate.Regexp(r"[0-9A-Za-z-]{1,64}\Z", error=N_("An id has only letters, digits and hyphens."))

_SUBJECT = validate.Regexp(
    r"system\Z|[a-z]{2,20}:[0-9A-Za-z._:/-]{1,120}\Z", error=N_("Write it as kind:id, for example org:01k…")
)


def _short(most: int) -> list[Any]:
    return [validate.Length(max=most, error=N_("This is too long.")), storable]


class WarrantForm(Schema):
    """The decision that orders an inspection."""

    class Meta:
        unknown = EXCLUDE

    number = fields.String(required=True, validate=_short(80), error_messages=_MISSING)
    authority = fields.String(required=True, validate=_short(200), error_messages=_MISSING)
    scope = fields.String(required=True, validate=_short(2000), error_messages=_MISSING)
    starts = fields.Date(required=True, format="iso", error_messages=_DAY | _MISSING)
    ends = fields.Date(required=True, format="iso", error_messages=_DAY | _MISSING)

    @pre_load
    def strip(self, data: dict[str, object], **_: object) -> dict[str, object]:
        """Without the blanks around, so that a field of blanks is an empty one."""
        if not isinstance(data, dict):
            return data  # load says what is wrong with it
        return {name: value.strip() if isinstance(value, str) else value for name, value in data.items()}


class WarrantView(Schema):
    """A registered warrant."""

    id = fields.String()
    number = fields.String()
    authority = fields.String()
    scope = fields.String()
    starts = fields.Date()
    ends = fields.Date()
    opened_at = fields.AwareDateTime(format="iso")
    event_id = fields.String()


class OwnSearchForm(Schema):
    """What to look for among one's own records. An empty field narrows nothing."""

    class Meta:
        unknown = EXCLUDE

    listing = fields.String(load_default="", validate=_ID)
    contract = fields.String(load_default="", validate=_ID)
    event = fields.String(load_default="", validate=validate.OneOf(_EVENTS, error=N_("There is no such event.")))
    start = fields.Date(load_default=None, format="iso", data_key="from", error_messages=_DAY)
    end = fields.Date(load_default=None, format="iso", data_key="to", error_messages=_DAY)
    before = fields.Integer(
        load_default=None, validate=validate.Range(0, 2**63 - 1, error=N_("This number is out of range."))
    )
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 1000, error=N_("This number is out of range.")))

    @pre_load
    def drop_empty(self, data: dict[str, object], **_: object) -> dict[str, object]:
        """A form sends every field, empty ones too."""
        stripped = {name: value.strip() if isinstance(value, str) else value for name, value in dict(data).items()}
        return {name: value for name, value in stripped.items() if value != ""}


class SearchForm(OwnSearchForm):
    """What to look for in the whole log. ``subject``: any ``kind:id`` that a record names; ``actor``: who did it."""

    org = fields.String(load_default="", validate=_short(200))
    subject = fields.String(load_default="", validate=_SUBJECT)
    actor = fields.String(load_default="", validate=_SUBJECT)
