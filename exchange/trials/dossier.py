"""The dossier of an application: what the trial is to find out, within which bounds, under which safeguards.

A draft may lack anything. What a dossier that is handed in must hold is judged here and by the rules T1, T2, T10, T11.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from exchange.errors import N_, Refusal
from sandbox import trial as core
from sandbox.rules import Authorised

BASIS = Authorised.basis
MOST_SAFEGUARDS = 20


@dataclass(frozen=True)
class Dossier:
    """What the operator asks for. None and empty: not filled in yet."""

    question: str = ""
    measure: str = ""
    participants: str = ""  # who is to take part, and how they are chosen
    sectors: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    level: int | None = None
    territory: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    max_members: int | None = None
    max_listings: int | None = None
    max_tx_vnd: int | None = None
    max_total_vnd: int | None = None
    safeguards: tuple[str, ...] = ()
    security_valid_to: date | None = None
    notice_version: str = ""
    profile: str = core.PILOT.name
    authority_id: str = ""  # the authority it goes to; empty: the one that is competent

    def to_json(self) -> dict[str, Any]:
        """As it is kept and hashed."""
        return {
            name: value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Dossier":
        """From a form's values, or from what ``to_json`` wrote. Unknown names are left out, None is not filled in."""
        found: dict[str, Any] = {}
        for each in fields(cls):
            value = values.get(each.name)
            if value is None:
                continue
            if each.name in _DAYS and isinstance(value, str):
                value = date.fromisoformat(value)
            found[each.name] = tuple(value) if isinstance(value, list) else value
        return cls(**found)

    @property
    def law(self) -> core.Profile:
        """The law's numbers it is to run under."""
        return core.PROFILES[self.profile]

    def trial(self, authority: str, approver: core.Approver, cert_no: str = "…") -> core.Trial:
        """The trial it asks for, as the rules judge it."""
        return core.Trial(
            cert_no=cert_no, authority=authority, valid_from=self.valid_from, valid_to=self.valid_to,
            sectors=self.sectors, classes=self.classes, verbs=self.verbs, territory=self.territory,
            caps=self.caps, notice_version=self.notice_version, level=self.level or 1, approver=approver,
            safeguards=self.safeguards, question=self.question, measure=self.measure,
            security_valid_to=self.security_valid_to, profile=self.law,
        )  # fmt: skip

    @property
    def caps(self) -> core.Caps:
        """Its ceilings; of one left empty the profile's."""
        usual = self.law.caps
        return core.Caps(
            *(
                getattr(usual, name) if getattr(self, name) is None else getattr(self, name)
                for name in ("max_members", "max_listings", "max_tx_vnd", "max_total_vnd")
            )
        )


_DAYS = ("valid_from", "valid_to", "security_valid_to")
NEEDED = (
    "question", "measure", "participants", "sectors", "classes", "verbs", "level", "territory", "valid_from",
    "valid_to", "safeguards", "security_valid_to", "notice_version",
)  # fmt: skip


def missing(dossier: Dossier) -> list[Refusal]:
    """What an application cannot go without (T1: an authority permits only what is described)."""
    text = N_("The application lacks this.")
    return [
        Refusal("DOSSIER_INCOMPLETE", text, field=name, basis=BASIS, passes=N_("Fill in this field."))
        for name in NEEDED
        if not getattr(dossier, name)
    ]
