"""How the pages ask for what parties may add to the terms of a licence, and show it.

None of it has to be filled in. Labels, units and values as words are those of the contract itself (contracts.change).
"""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from contracts import change
from contracts.problems import ONLY_IN_LICENCE
from contracts.terms import ADDED, FORUMS, VAT
from exchange.catalogue.additions import stated
from exchange.errors import N_
from exchange.i18n import language

# The form's groups, each with its fields.
GROUPS: Mapping[str, tuple[str, ...]] = {
    N_("Payment"): ("vat", "payment_days", "royalty_percent"),
    N_("Quality and delivery"): ("update_days", "acceptance_days", "max_hours"),
    N_("Reports and inspection"): ("report_days", "audit_days", "incident_hours"),
    N_("At the end, and in a dispute"): ("deletion_days", "liability_cap_vnd", "penalty_percent", "dispute_forum"),
    N_("Personal data that pass outside the exchange"): ("personal_data", "personal_basis"),
}
HINTS: Mapping[str, str] = {
    "payment_days": N_("Counted from the contract's record in the log."),
    "royalty_percent": N_("Of what the buyer earns with derived or redistributed data. Licence L4, L5 or L6."),
    "update_days": N_("The seller offers an updated version at least this often."),
    "acceptance_days": N_("After a delivery, for the buyer to object."),
    "max_hours": N_("Needed for licence L1; counted from the first use."),
    "report_days": N_("How often the buyer says who received the data. Licence L5 or L6."),
    "audit_days": N_("With this notice the seller may inspect how the data are used."),
    "incident_hours": N_("At most 72. Empty: at once."),
    "deletion_days": N_("After the end of the contract; 30 where nothing else is agreed."),
    "penalty_percent": N_("At most 8 percent of the value of the duty (Commercial Law Art. 301)."),
    "personal_data": N_("Only free of charge: whose data, and which. Leave empty if there are none."),
    "personal_basis": N_("Such as the consent of each person, with the article."),
}
NOTHING: Mapping[str, Any] = ADDED  # field -> what holds where nothing is added
UNITS: Mapping[str, str] = {"days": N_("days"), "hours": N_("hours")}
CHOICES: Mapping[str, tuple[str, ...]] = {"vat": VAT, "dispute_forum": FORUMS}
TEXTS = ("personal_data", "personal_basis")


def goes_with(name: str, licence: str) -> bool:
    """Whether that type of licence has a use for the field."""
    return licence in ONLY_IN_LICENCE.get(name, (licence,))


def label(name: str) -> str:
    """A field's name in the reader's language, with a capital."""
    return change.label(name, language())


def shown(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Additions as pairs for a list of facts, in the reader's language."""
    return [(label(name), change.value(name, value, language())) for name, value in stated(values).items()]


def unit(name: str) -> str:
    """What stands beside the input, in the reader's language; or nothing."""
    if name == "liability_cap_vnd":
        return "₫"
    counted_in = change.unit(name)
    return "%" if counted_in == "percent" else _(UNITS[counted_in])


def options(name: str) -> list[tuple[str, str]]:
    """The choices of a field as the options of a select."""
    return [(code, change.value(name, code, language())) for code in CHOICES[name]]
