"""The fields of reports and incidents, as a form and as JSON; what they mean is checked by the use cases."""

from datetime import datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load

from exchange.accounts.schemas import text
from exchange.catalogue.schemas import LONG, Text
from exchange.clock import VIETNAM
from exchange.errors import N_
from exchange.trials import incidents, reporting
from exchange.trials.schemas import DAY, Words

MOMENT = N_("Give a day and a time, such as 2026-11-26T14:30; without a zone it is Viet Nam's.")


class Moment(fields.Field[datetime]):
    """An ISO 8601 moment; as a form sends it, without a zone, it is meant in Viet Nam."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value)[:40])
            return (moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)).astimezone(VIETNAM)
        except (ValueError, OverflowError):
            raise ValidationError(MOMENT) from None


class _OptionalDay(fields.Date):
    """A calendar day; an empty form field is none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return None if value == "" else super()._deserialize(value, attr, data, **kwargs)


class _Form(Schema):
    class Meta:
        unknown = EXCLUDE


class DrawSchema(_Form):
    """Which report is counted; of a periodic one the last day of its period, if not the oldest that is owed."""

    kind = text(16)
    last = _OptionalDay(allow_none=True, load_default=None, error_messages={"invalid": DAY})


class WordsSchema(_Form):
    """The operator's own words."""

    answer = Text(LONG)
    result = Text(LONG)
    deviations = Text(LONG)
    remarks = Text(LONG)

    @post_load
    def made(self, values: dict[str, Any], **_: object) -> dict[str, Any]:
        """What is null is taken back; what is not named stays as it is."""
        return {"words": {name: values.pop(name) or "" for name in reporting.WORDS if name in values}} | values


class SubmitSchema(WordsSchema):
    """The same at the moment of submitting, with the statement that it is complete and true."""

    stated = fields.Boolean(load_default=False, error_messages={"invalid": N_("Choose one of the values offered.")})


class IncidentSchema(_Form):
    """What somebody tells of an incident."""

    severity = text(16)
    code = text(16)
    what = Words(LONG)
    measures = Words(LONG)
    persons = Words(LONG)
    detected_at = Moment(required=True, error_messages={"required": MOMENT, "null": MOMENT})

    @post_load
    def made(self, values: dict[str, Any], **_: object) -> dict[str, Any]:
        """The same for the page and the API."""
        return {"account": incidents.Account(**values)}


class AssessSchema(_Form):
    """How serious it is, and why."""

    severity = text(16)
    reason = Words(LONG)


class IncidentReportSchema(_Form):
    """What was done so far."""

    measures = Words(LONG)


class CloseSchema(_Form):
    """Why it happened and what keeps it from happening again."""

    cause = Words(LONG)
    remedy = Words(LONG)
