"""The one set of field rules that form and JSON door share: lengths, signs, numbers, codes. Anything may be absent."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from contracts.terms import FORUMS, MAX_PRICE_VND, VAT
from exchange.catalogue.vocabulary import CLASSES, CYCLES, LICENCES, ONWARD, RIGHTS, SECTORS
from exchange.errors import N_

SHORT, LINE, LONG = 200, 300, 4_000  # characters
TOO_LONG = {
    SHORT: N_("This text is too long: at most 200 characters."),
    LINE: N_("This text is too long: at most 300 characters."),
    LONG: N_("This text is too long: at most 4,000 characters."),
}
HIDDEN = N_("This text holds an invisible control character. Type it again instead of pasting it.")
NOT_TEXT = N_("This must be text.")
WHOLE_DONG = N_("The price is a whole number of đồng, zero or more, without a fraction.")
WHOLE = N_("This must be a whole number.")
CHOOSE = N_("Choose one of the values offered.")
MAX_ITEMS = 200
MOST = 2**31 - 1
_GROUPED = re.compile(r"[0-9]+|[0-9]{1,3}([. \u00a0,])[0-9]{3}(\1[0-9]{3})*")


class Text(fields.Field[str]):
    """Text as people type it: NFC, trimmed, without signs that hide something. Emoji are welcome."""

    def __init__(self, longest: int, *, lines: bool = True) -> None:
        super().__init__(allow_none=True)
        self.longest, self.lines = longest, lines

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(NOT_TEXT)
        if len(value) > self.longest * 4:  # before any work on it
            raise ValidationError(TOO_LONG[self.longest])
        text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
        if not self.lines:
            text = " ".join(text.split("\n"))
        if any(unicodedata.category(s) in ("Cc", "Cf", "Cs", "Co") and s not in "\n\t\u200d\ufe0f" for s in text):
            raise ValidationError(HIDDEN)
        if len(text) > self.longest:
            raise ValidationError(TOO_LONG[self.longest])
        return text


class Dong(fields.Field[int | None]):
    """An amount in đồng: a JSON integer, or the text of one with groups of three as people write it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | None:
        if isinstance(value, str):
            text = value.strip().removesuffix("₫").strip()
            if not text:
                return None
            if len(text) > 30 or not _GROUPED.fullmatch(text):
                raise ValidationError(WHOLE_DONG)
            value = int(re.sub(r"[^0-9]", "", text))
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_PRICE_VND:
            raise ValidationError(WHOLE_DONG)
        return value


class Count(fields.Field[int | None]):
    """A whole number between two bounds; an empty form field is no number."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(allow_none=True)
        self.low, self.high = low, high

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int | None:
        if isinstance(value, str):
            if not value.strip():
                return None
            if len(value) > 12 or not value.strip().isascii() or not value.strip().isdecimal():
                raise ValidationError(WHOLE)
            value = int(value.strip())
        if isinstance(value, bool) or not isinstance(value, int) or not self.low <= value <= self.high:
            raise ValidationError(WHOLE)
        return value


def _choice(codes: Iterable[str]) -> fields.String:
    return fields.String(allow_none=True, validate=validate.OneOf([*codes, ""], error=CHOOSE))


class ItemSchema(Schema):
    """One item of the data with its access class (Decision 1437, task B.1)."""

    name = Text(SHORT, lines=False)
    access = fields.String(required=True, validate=validate.OneOf(["open", "shared"], error=CHOOSE))


def _rights(value: Mapping[str, str]) -> None:
    if set(value) - set(RIGHTS):
        raise ValidationError(CHOOSE)


class AddedTerms(Schema):
    """What parties may add to the terms; an empty field is nothing added. contracts.problems says what is sensible."""

    vat = _choice(VAT)
    payment_days = Count(0, MOST)
    royalty_percent = Count(0, MOST)
    report_days = Count(0, MOST)
    update_days = Count(0, MOST)
    max_hours = Count(0, MOST)
    acceptance_days = Count(0, MOST)
    personal_data = Text(LONG)
    personal_basis = Text(LONG)
    audit_days = Count(0, MOST)
    incident_hours = Count(0, MOST)
    deletion_days = Count(0, MOST)
    liability_cap_vnd = Dong(allow_none=True)
    penalty_percent = Count(0, MOST)
    dispute_forum = _choice(FORUMS)


class DraftSchema(AddedTerms):
    """Every field of a listing's draft; rules.py says which are needed to submit it."""

    class Meta:
        unknown = RAISE

    name = Text(SHORT, lines=False)
    name_en = Text(SHORT, lines=False)
    summary = Text(LINE, lines=False)
    purpose = Text(LONG)
    scope = Text(LONG)
    content = Text(LONG)
    collection_mechanism = Text(LONG)
    update_mechanism = Text(LONG)
    update_cycle = _choice(CYCLES)
    source = Text(LONG)
    items = fields.List(fields.Nested(ItemSchema), validate=validate.Length(max=MAX_ITEMS, error=N_("Too many items.")))
    sector = _choice(SECTORS)
    classification = _choice(CLASSES)
    personal_statement = Text(LONG)
    quality_statement = Text(LONG)
    limitations = Text(LONG)
    provenance = Text(LONG)
    right_basis = Text(LONG)
    rights = fields.Dict(keys=fields.String(), values=Text(LONG), validate=_rights)
    licence = _choice(LICENCES)
    term_months = Count(1, 120)
    permitted_purpose = Text(LONG)
    territory = fields.List(
        fields.String(validate=validate.Regexp(r"[A-Za-z0-9-]{0,6}\Z", error=CHOOSE)), validate=validate.Length(max=70)
    )
    exclusive = fields.Boolean()
    onward_transfer = _choice(ONWARD)
    ip_limits = Text(LONG)
    max_queries = Count(1, 2**31 - 1)
    min_group = Count(2, 1_000_000)
    max_deliveries = Count(1, 2**31 - 1)
    attribution = fields.Boolean()
    price_vnd = Dong(allow_none=True)
    value_added_label = Text(LONG)
    deid_evidence = Text(LONG)
    state_price_decision = Text(SHORT, lines=False)


class SearchSchema(Schema):
    """What a program may ask the catalogue; pages read the address themselves and forgive nonsense."""

    class Meta:
        unknown = EXCLUDE

    q = fields.String(load_default="")
    sector = fields.String(load_default="")
    classification = fields.String(load_default="")
    licence = fields.String(load_default="")
    free = fields.Boolean(load_default=False)
    max_price = fields.Integer(
        load_default=None, allow_none=True, validate=validate.Range(0, MAX_PRICE_VND, error=WHOLE_DONG)
    )
    sort = fields.String(load_default="newest")
    page = fields.Integer(load_default=1, validate=validate.Range(1, 10**6, error=WHOLE))
