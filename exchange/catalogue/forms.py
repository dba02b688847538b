"""Between the six steps of the publish form and the fields of a draft."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError
from werkzeug.datastructures import MultiDict

from contracts.terms import ADDED
from exchange.catalogue.schemas import MAX_ITEMS, DraftSchema
from exchange.catalogue.vocabulary import RIGHTS
from exchange.errors import N_, Refusal, Refused

STEPS: Mapping[str, str] = {
    "file": N_("File"),
    "describe": N_("Describe"),
    "rights": N_("Rights"),
    "classify": N_("Classify"),
    "licence": N_("Licence and price"),
    "check": N_("Check and submit"),
}
FIELDS_OF: Mapping[str, tuple[str, ...]] = {
    "file": ("file",),
    "describe": (
        "name", "name_en", "summary", "purpose", "scope", "content", "collection_mechanism", "update_mechanism",
        "update_cycle", "source", "items", "sector",
    ),
    "rights": ("provenance", "right_basis", "rights"),
    "classify": (
        "classification", "personal_statement", "quality_statement", "limitations", "deid_evidence",
        "value_added_label",
    ),
    "licence": (
        "licence", "term_months", "permitted_purpose", "territory", "exclusive", "onward_transfer", "ip_limits",
        "max_queries", "min_group", "max_deliveries", "attribution", "price_vnd", "state_price_decision",
        *ADDED,
    ),
    "check": (),
}  # fmt: skip


def step_of(field: str | None) -> str:
    """On which step a refusal's field is."""
    first = (field or "file").partition(".")[0]
    return next((step for step, names in FIELDS_OF.items() if first in names), "check")


def read(step: str, form: MultiDict[str, str]) -> dict[str, Any]:
    """The step's fields through the schema; raises Refused field by field."""
    return load({name: _value(name, form) for name in FIELDS_OF[step] if name != "file"})


def load(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a draft through the schema, for forms; a field of a list or mapping is named by its outermost name."""
    try:
        return dict(DraftSchema().load(values))
    except ValidationError as error:
        found = [
            Refusal("FIELD_INVALID", message, field=field)
            for field, messages in error.normalized_messages().items()
            for message in dict.fromkeys(_flat(messages))
        ]
        raise Refused(*found) from None


def _flat(messages: Any) -> list[str]:
    if isinstance(messages, dict):
        return [text for part in messages.values() for text in _flat(part)]
    return [str(text) for text in messages] if isinstance(messages, list) else [str(messages)]


def _value(name: str, form: MultiDict[str, str]) -> Any:
    if name == "items":
        return [
            {"name": line, "access": access}
            for access in ("open", "shared")
            for line in form.get(f"items_{access}", "").splitlines()[: MAX_ITEMS + 1]
            if line.strip()
        ]
    if name == "rights":
        return {code: form.get(f"evidence_{code}", "") for code in RIGHTS if code in form.getlist("rights")}
    if name == "territory":
        return [part.strip().upper() for part in form.get("territory", "").split(",")[:70] if part.strip()]
    if name in ("exclusive", "attribution"):
        return form.get(name) == "1"
    return form.get(name, "")


def shown_in_form(draft: Mapping[str, Any]) -> dict[str, Any]:
    """A draft as the form's own fields; the other direction of ``read``."""
    typed: dict[str, Any] = {
        name: value for name, value in draft.items() if name not in ("items", "rights", "territory")
    }
    for access in ("open", "shared"):
        names = [item["name"] for item in draft.get("items", []) if item["access"] == access]
        typed[f"items_{access}"] = "\n".join(names)
    typed["rights"] = list(draft.get("rights", {}))
    typed.update({f"evidence_{code}": text for code, text in draft.get("rights", {}).items()})
    typed["territory"] = ", ".join(draft.get("territory", ["VN"]))
    return typed


def as_typed(form: MultiDict[str, str]) -> dict[str, Any]:
    """What was posted, for showing the refused form again with nothing lost."""
    return {**form.to_dict(), "rights": form.getlist("rights")}
