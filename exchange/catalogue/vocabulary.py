"""The words of the catalogue: sectors, classes, licences, rights, cycles; each with its label (an English msgid)."""

from collections.abc import Mapping
from enum import StrEnum

from exchange.errors import N_


class State(StrEnum):
    """Where a listing stands. ``published`` is the only one a stranger sees."""

    DRAFT = "draft"
    SUBMITTED = "submitted"  # in the moderator's queue, never shown before (X25)
    PUBLISHED = "published"
    RETURNED = "returned"
    SUSPENDED = "suspended"  # X26
    WITHDRAWN = "withdrawn"  # hủy niêm yết, by the seller


STATES: Mapping[str, str] = {
    "draft": N_("Draft"),
    "submitted": N_("Waiting for review"),
    "published": N_("Published"),
    "returned": N_("Returned for correction"),
    "suspended": N_("Suspended"),
    "withdrawn": N_("Withdrawn"),
}

# Decision 411/QĐ-TTg names these priority sectors; the trial admits no other.
SECTORS: Mapping[str, str] = {
    "commerce": N_("Wholesale and retail"),
    "agriculture": N_("Agriculture"),
    "manufacturing": N_("Manufacturing"),
    "tourism": N_("Tourism"),
    "logistics": N_("Logistics"),
}

CLASSES: Mapping[str, str] = {
    "MO": N_("Open data"),
    "TC": N_("Organisation or machine data"),
    "GO": N_("Original data"),
    "GT": N_("Value-added product"),
    "KN": N_("De-identified data"),
    "NN": N_("State value-added product"),
    "DC": N_("Shared data of state bodies"),
    "DR": N_("Internal-use data"),
    "QT": N_("Important data"),
    "CL": N_("Core data"),
    "CN1": N_("Basic personal data"),
    "CN2": N_("Sensitive personal data"),
    "CN3": N_("Data about children"),
    "BM": N_("State secret or harmful data"),
}
PERSONAL = frozenset({"CN1", "CN2", "CN3"})
TRADEABLE = frozenset({"MO", "TC", "GO", "GT", "KN", "NN"})

LICENCES: Mapping[str, str] = {
    "L0": N_("Open"),
    "L1": N_("Test room only"),
    "L2": N_("Query, answers only"),
    "L3": N_("Internal use"),
    "L4": N_("Derive products"),
    "L5": N_("Redistribute"),
    "L6": N_("Exclusive"),
    "L7": N_("Research"),
    "L8": N_("Train AI models"),
}
LICENCE_HINTS: Mapping[str, str] = {
    "L0": N_("Anyone may read, reuse and redistribute with attribution. Free; open data only."),
    "L1": N_("Only looking inside the test room; nothing leaves it."),
    "L2": N_("The buyer asks, the data stay; only answers about groups leave."),
    "L3": N_("One organisation uses it for itself, at most 12 months, without sharing."),
    "L4": N_("The buyer may build and sell value-added products, never the raw data."),
    "L5": N_("The buyer may pass the data on as they are and reports to whom."),
    "L6": N_("One buyer only; the operator checks competition first."),
    "L7": N_("Non-commercial research by an institution; only totals are published."),
    "L8": N_("Training models; the data are deleted at the end."),
}
ONWARD: Mapping[str, str] = {
    "none": N_("Not allowed"),
    "derived-only": N_("Only derived products"),
    "allowed": N_("Allowed"),
}

# Decision 1437/QĐ-TTg, task B.3: the four verbs.
RIGHTS: Mapping[str, str] = {
    "R1": N_("To own"),
    "R2": N_("To manage"),
    "R3": N_("To process"),
    "R4": N_("To distribute"),
}

# How often the data are renewed, with the days after which they count as late.
CYCLES: Mapping[str, tuple[str, int | None]] = {
    "real-time": (N_("In real time"), 1),
    "daily": (N_("Every day"), 1),
    "weekly": (N_("Every week"), 7),
    "monthly": (N_("Every month"), 31),
    "quarterly": (N_("Every quarter"), 92),
    "yearly": (N_("Every year"), 366),
    "once": (N_("Once, not renewed"), None),
    "irregular": (N_("When something changes"), None),
}

# Every field of a listing, with its label: forms, refusals and the moderation page all say the same words.
FIELDS: Mapping[str, str] = {
    "file": N_("Data file"),
    "name": N_("Name"),
    "name_en": N_("Name in English"),
    "summary": N_("What it contains, in one line"),
    "purpose": N_("Purpose"),
    "scope": N_("Scope"),
    "content": N_("Content"),
    "collection_mechanism": N_("How the data are collected"),
    "update_mechanism": N_("How the data are updated"),
    "update_cycle": N_("How often"),
    "source": N_("Source"),
    "items": N_("Items"),
    "sector": N_("Sector"),
    "classification": N_("Class"),
    "personal_statement": N_("Statement on personal data"),
    "quality_statement": N_("Quality statement"),
    "limitations": N_("Known limitations"),
    "provenance": N_("Origin of the data"),
    "right_basis": N_("Basis of your right"),
    "rights": N_("Rights you hold"),
    "licence": N_("Licence"),
    "term_months": N_("Term in months"),
    "permitted_purpose": N_("Permitted purpose"),
    "territory": N_("Territory"),
    "exclusive": N_("Exclusive"),
    "onward_transfer": N_("Passing on to others"),
    "ip_limits": N_("Intellectual-property limits"),
    "max_queries": N_("Largest number of queries"),
    "min_group": N_("Smallest group in an answer"),
    "max_deliveries": N_("Largest number of deliveries"),
    "attribution": N_("The source must be named"),
    "price_vnd": N_("Price"),
    "value_added_label": N_("Method and inputs of the value-added product"),
    "deid_evidence": N_("Evidence of de-identification"),
    "state_price_decision": N_("Price decision of the agency"),
}
