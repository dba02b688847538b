"""The fields of what a party does to a contract in force, for forms and JSON, and what the API says of its life."""

from marshmallow import INCLUDE, Schema, fields, validate

from exchange.accounts.schemas import REQUIRED, Form
from exchange.catalogue.schemas import LONG, Text
from exchange.errors import N_
from exchange.negotiations.schemas import DAY, CounterForm


class SuccessorForm(CounterForm):
    """An amendment or a renewal; a field that is left out stays as it is."""

    class Meta(CounterForm.Meta):
        """The terms seen are those of the contract itself, which never change."""

        exclude = ("terms",)


class DeedForm(Form):
    """What the buyer did with the data, before the statement is signed."""

    act = fields.String(
        required=True, validate=validate.Length(max=20, error=N_("This is too long.")), error_messages=REQUIRED
    )
    on = fields.Date(format="iso", required=True, error_messages=DAY)
    note = Text(LONG)


class ResumeForm(Form):
    """Letting a contract go on, with the reason in words."""

    reason = Text(LONG)


class AnswerForm(ResumeForm):
    """The seller's word on a statement; a dispute gives its reason."""

    answer = fields.String(
        required=True, validate=validate.Length(max=20, error=N_("This is too long.")), error_messages=REQUIRED
    )


class StatementJson(Schema):
    """A flattened JWS over the statement, with the statement in it. contracts.statement judges every member."""

    class Meta:
        """Nothing is dropped before it was judged."""

        unknown = INCLUDE

    payload = fields.Raw()
    protected = fields.Raw()
    signature = fields.Raw()


class HoldView(Schema):
    """One suspension; ``resumed_at`` is null while it stands."""

    holder = fields.String(metadata={"description": "provider consumer listing"})
    org_id = fields.String()
    code = fields.String()
    reason = fields.String()
    since = fields.AwareDateTime(format="iso")
    event_id = fields.String()
    resumed_at = fields.AwareDateTime(format="iso", allow_none=True)
    resumed_by = fields.String(allow_none=True)
    resume_reason = fields.String(allow_none=True)
    resume_event = fields.String(allow_none=True)


class StatementView(Schema):
    """A statement of destruction and the seller's answer."""

    sha256 = fields.String()
    payload = fields.Function(lambda row: row.payload.decode(), metadata={"description": "the bytes that are signed"})
    protected = fields.String()
    signature = fields.String()
    thumbprint = fields.String()
    stated_at = fields.AwareDateTime(format="iso")
    event_id = fields.String()
    answer = fields.String(allow_none=True)
    answer_reason = fields.String(allow_none=True)
    answered_at = fields.AwareDateTime(format="iso", allow_none=True)
    answer_event = fields.String(allow_none=True)


class DutyView(Schema):
    """What the buyer owes at the end."""

    state = fields.String(metadata={"description": "NONE OWED LATE STATED DISPUTED ACKNOWLEDGED"})
    due = fields.Date(metadata={"description": "the last day, in Viet Nam"})
    statements = fields.List(fields.Nested(StatementView))


class TermChangeView(Schema):
    """One term that differs."""

    field = fields.String()
    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)


class SuccessionView(Schema):
    """The negotiation about a contract's successor that runs now."""

    negotiation_id = fields.String()
    kind = fields.String(metadata={"description": "amendment renewal"})
    state = fields.String()
    terms_hash = fields.String()
    changes = fields.List(fields.Nested(TermChangeView))


class LifeView(Schema):
    """What has happened to a contract since it was signed."""

    contract_id = fields.String()
    standing = fields.String(metadata={"description": "UNLOGGED UPCOMING ACTIVE SUSPENDED EXPIRED ENDED"})
    ended_at = fields.AwareDateTime(format="iso", allow_none=True)
    ended_by = fields.String(allow_none=True, metadata={"description": "null: the exchange, for both parties"})
    end_code = fields.String(allow_none=True)
    end_reason = fields.String(allow_none=True)
    holds = fields.List(fields.Nested(HoldView))
    proposed = fields.Nested(SuccessionView, allow_none=True)
    successor_id = fields.String(allow_none=True)
    predecessor_id = fields.String(allow_none=True)
    duty = fields.Nested(DutyView)
