"""The fields that forms and JSON of negotiations and contracts share. What they mean is judged by rules.py."""

from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from contracts.negotiation import Reason
from exchange.accounts.schemas import REQUIRED, Form, level, storable
from exchange.catalogue.additions import added_in
from exchange.catalogue.schemas import LONG, NOT_TEXT, AddedTerms, Count, Dong, Text
from exchange.errors import N_
from exchange.negotiations.rules import Wish

DAY = REQUIRED | {"invalid": N_("Write the day as year-month-day, such as 2026-12-31.")}
_MAX_CODES = 400  # characters


class Codes(fields.Field[tuple[str, ...]]):
    """Territory codes: a JSON list, or one line with commas between them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> tuple[str, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise ValidationError(NOT_TEXT)
        if sum(map(len, parts)) > _MAX_CODES:
            raise ValidationError(N_("This is too long."))
        if not all(part.isascii() and part.isprintable() for part in parts):
            raise ValidationError(NOT_TEXT)
        return tuple(part.strip().upper() for part in parts if part.strip())


def _day(*, required: bool = True) -> fields.Date:
    return fields.Date(format="iso", required=required, error_messages=DAY)


def _terms_seen() -> fields.String:
    """The hash of the terms that stood on the sender's page."""
    too_long = validate.Length(max=60, error=N_("This is too long."))
    return fields.String(required=True, validate=too_long, error_messages=REQUIRED)


def _code() -> validate.Length:
    return validate.Length(max=20, error=N_("This is too long."))


class RequestForm(Form, AddedTerms):
    """A buyer's request for access (X31: purpose and scenario); an addition that is left out stays as offered."""

    purpose = Text(LONG)
    scenario = Text(LONG)
    starts = _day()
    ends = _day()
    territory = Codes(required=True, error_messages=REQUIRED)
    note = Text(LONG)


class OfferForm(Form, AddedTerms):
    """A seller's counter-offer; a field that is left out stays as it is."""

    terms = _terms_seen()
    price_vnd = Dong(allow_none=True)
    starts = _day(required=False)
    ends = _day(required=False)
    territory = Codes()
    ip_limits = Text(LONG)
    max_deliveries = Count(1, 2**31 - 1)
    max_queries = Count(1, 2**31 - 1)
    min_group = Count(2, 2**31 - 1)
    note = Text(LONG)


class CounterForm(OfferForm):
    """A buyer's other terms; purpose and scenario are the buyer's to change."""

    purpose = Text(LONG)
    scenario = Text(LONG)


class SeenForm(Form):
    """Accept or agree: to these terms and no others."""

    terms = _terms_seen()


class EndForm(Form):
    """Ending a negotiation or a contract: a code from the closed list of each, and the reason in words."""

    reason = Text(LONG)
    code = fields.String(required=True, validate=_code(), error_messages=REQUIRED)


class ApprovalForm(Form):
    """A person's approval: of what, and the digest of what they read."""

    what = fields.String(required=True, validate=_code(), error_messages=REQUIRED)
    digest = _terms_seen()


class ApprovalRuleForm(Form):
    """What an organisation demands of itself."""

    role = fields.String(load_default="", validate=_code(), error_messages=REQUIRED)
    second_signer = fields.Boolean(load_default=False)


class AgreeRuleForm(Form):
    """A seller's rule for one listing."""

    min_level = level()
    max_price_vnd = Dong(allow_none=True)


def wish_of(form: dict[str, Any]) -> Wish:
    """The request that a loaded RequestForm states."""
    return Wish(
        purpose=form.get("purpose") or "",
        scenario=form.get("scenario") or "",
        starts=form["starts"],
        ends=form["ends"],
        territory=form["territory"],
        note=form.get("note") or "",
        added=added_in(form),
    )


_TEXTS = frozenset({"ip_limits", "purpose", "scenario"})  # an empty line in a form comes as None


def changes_of(form: dict[str, Any]) -> dict[str, Any]:
    """The changes that a loaded OfferForm or CounterForm states."""
    changes = {name: value for name, value in form.items() if name not in ("terms", "note")} | added_in(form)
    return changes | {name: changes[name] or "" for name in _TEXTS & changes.keys()}


class RequestJson(RequestForm):
    """A request through the API names its listing in the body."""

    listing_id = fields.String(required=True, validate=[validate.Length(max=26), storable], error_messages=REQUIRED)


class CounterJson(CounterForm):
    """Other terms that are only checked need not name those they answer."""

    terms = fields.String(validate=validate.Length(max=60, error=N_("This is too long.")))


class ProblemView(Schema):
    """One refusal and what would pass."""

    code = fields.String()
    field = fields.String(allow_none=True)
    message = fields.String()
    basis = fields.String(allow_none=True)
    value = fields.String(allow_none=True)
    passes = fields.String(allow_none=True)


class ChangeView(Schema):
    """One field that differs, in the reader's language; ``for_other`` is how the other side would be told."""

    clause = fields.Integer(metadata={"description": "number of the contract's clause, 1 to 22"})
    title = fields.String()
    field = fields.String()
    label = fields.String()
    before = fields.String()
    after = fields.String()
    for_you = fields.String()
    for_other = fields.String()


class CheckedView(Schema):
    """Proposed terms as they would stand, why they would be refused, and what they change. Nothing was sent."""

    terms = fields.Dict()
    terms_hash = fields.String()
    problems = fields.List(fields.Nested(ProblemView))
    changes = fields.List(fields.Nested(ChangeView))


class SignatureJson(Schema):
    """A flattened JWS (RFC 7515 section 7.2.2), or `form` (cades, pades) and the signed `file` in base64.

    The contract package judges every member, unknown ones included.
    """

    class Meta:
        """Nothing is dropped before it was judged."""

        unknown = INCLUDE

    protected = fields.Raw()
    signature = fields.Raw()
    payload = fields.Raw()
    form = fields.Raw()
    file = fields.Raw()


class PageQuery(Schema):
    """Paging backwards through time."""

    before = fields.String(validate=validate.Length(max=26))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class MoveView(Schema):
    """One step."""

    number = fields.Integer()
    act = fields.String()
    role = fields.String()
    org_id = fields.String(allow_none=True)
    terms = fields.Dict()
    terms_hash = fields.String()
    note = fields.String()
    rule_event = fields.String(allow_none=True, metadata={"description": "by a seller's rule: the record that set it"})
    event_id = fields.String()
    at = fields.AwareDateTime(format="iso")


class ApprovalView(Schema):
    """One person's approval, for their own side."""

    id = fields.String()
    by = fields.String()
    given_at = fields.AwareDateTime(format="iso")
    used_at = fields.AwareDateTime(format="iso", allow_none=True, metadata={"description": "used, it stands"})
    event_id = fields.String()


class ApprovalPanelView(Schema):
    """An approval that your organisation demands of itself here."""

    what = fields.String(metadata={"description": "terms | signature"})
    digest = fields.String(metadata={"description": "of the terms on the table, or of the contract drawn up"})
    roles = fields.List(fields.String(), metadata={"description": "one of which the approver has"})
    given = fields.List(fields.Nested(ApprovalView))


class ApprovalRuleView(Schema):
    """What your organisation demands of itself."""

    role = fields.String(allow_none=True, metadata={"description": "who approves terms; null: nobody need"})
    second_signer = fields.Boolean()


class AgreeRuleView(Schema):
    """A rule that agrees to requests."""

    listing_id = fields.String()
    min_level = fields.Integer(metadata={"description": "of the buyer's identification"})
    max_price_vnd = fields.Integer(allow_none=True)
    set_at = fields.AwareDateTime(format="iso")
    event_id = fields.String()


class NegotiationView(Schema):
    """A negotiation."""

    id = fields.String()
    listing_id = fields.String()
    version = fields.Integer()
    buyer_org_id = fields.String()
    provider_org_id = fields.String()
    state = fields.String(metadata={"description": "Dataspace Protocol 2025-1"})
    purpose = fields.String()
    scenario = fields.String()
    terms_hash = fields.String(metadata={"description": "of the terms on the table; every act must name it"})
    deadline = fields.AwareDateTime(format="iso")
    lapsed = fields.Boolean()
    created_at = fields.AwareDateTime(format="iso")
    requests = fields.Integer(metadata={"description": "proposals made by the buyer"})
    offers = fields.Integer(metadata={"description": "proposals made by the seller"})
    terminated_at = fields.AwareDateTime(format="iso", allow_none=True)
    terminated_by = fields.String(allow_none=True, metadata={"description": "null: it lapsed"})
    terminated_code = fields.String(allow_none=True, metadata={"description": ", ".join(Reason)})
    terminated_reason = fields.String(allow_none=True)
    approvals = fields.List(fields.Nested(ApprovalPanelView), metadata={"description": "of your own side only"})
    contract_id = fields.String(allow_none=True)
    allowed = fields.List(fields.String(), metadata={"description": "the acts open to you"})
    terms = fields.Dict()
    moves = fields.List(fields.Nested(MoveView))


class SignatureView(Schema):
    """One party's signature, and its record in the log."""

    contract_id = fields.String()
    org_id = fields.String()
    thumbprint = fields.String()
    alg = fields.String()
    grade = fields.String(metadata={"description": "browser, file: a bare key; organisation, licensed: a certificate"})
    form = fields.String(metadata={"description": "jws, cades, pades"})
    subject = fields.String(allow_none=True, metadata={"description": "whom the certificate names, RFC 4514"})
    claimed_at = fields.AwareDateTime(format="iso")
    signed_at = fields.AwareDateTime(format="iso")
    event_id = fields.String()
    protected = fields.String(allow_none=True)
    signature = fields.String(allow_none=True)


class PrivateView(Schema):
    """A value that the record only commits to: name and value, or why they are gone (``erased``, ``unreadable``)."""

    name = fields.String()
    value = fields.Raw()
    gone = fields.String()


class ReceiptView(Schema):
    """One record of the contract's life; ``proof`` is C2SP tlog-proof text, null while it waits for a signed head."""

    event = fields.String()
    event_id = fields.String()
    at = fields.AwareDateTime(format="iso")
    org_id = fields.String(allow_none=True)
    log_index = fields.Integer(allow_none=True)
    entry = fields.String(allow_none=True, metadata={"description": "the record itself; the proof is about its bytes"})
    proof = fields.String(allow_none=True)
    private = fields.List(fields.Nested(PrivateView))


class NeedView(Schema):
    """A party whose keys are not those that the document names."""

    org_id = fields.String()
    cause = fields.String(metadata={"description": "lost: no key it names is valid; late: a valid key is not named"})
    ready = fields.Boolean(metadata={"description": "it has a valid key, so the contract can be drawn up again"})


class ContractView(Schema):
    """A contract."""

    id = fields.String()
    negotiation_id = fields.String()
    listing_id = fields.String()
    version = fields.Integer()
    buyer_org_id = fields.String()
    provider_org_id = fields.String()
    sha256 = fields.String()
    starts = fields.Date()
    ends = fields.Date()
    price_vnd = fields.Integer()
    standing = fields.String(metadata={"description": "UNLOGGED UPCOMING ACTIVE SUSPENDED EXPIRED ENDED"})
    agreed_at = fields.AwareDateTime(format="iso")
    active_at = fields.AwareDateTime(format="iso", allow_none=True)
    ended_at = fields.AwareDateTime(format="iso", allow_none=True)
    end_code = fields.String(allow_none=True)
    end_reason = fields.String(allow_none=True)
    unsigned = fields.List(fields.String(), metadata={"description": "organisations that have not signed yet"})
    cannot_sign = fields.List(fields.Nested(NeedView))
    redraws = fields.String(allow_none=True, metadata={"description": "the older document that this one replaces"})
    redrawn_as = fields.String(allow_none=True, metadata={"description": "the newer document that replaces this one"})
    document = fields.Dict()
    signatures = fields.List(fields.Nested(SignatureView))
    receipts = fields.List(fields.Nested(ReceiptView))
