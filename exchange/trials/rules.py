"""Between rows and the sandbox's values: the certificate, refusals in both languages. Changes no row."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from contracts import words as contract_words
from contracts.terms import Denied as NotAllowed
from exchange.errors import N_, Refusal
from exchange.negotiations import rules as contract_rules
from exchange.trials.models import Trial, TrialEvent
from sandbox import trial as core
from sandbox import words
from sandbox.denials import Denied

# The core's legal bases, marked here for translation: the sandbox package knows no gettext.
BASES = (
    N_("Capital Law 2024 Art. 25: at most three years"),
    N_("Capital Law 2024 Art. 25: limits of area, scale and users"),
    N_("Capital Law 2024 Art. 25: one extension of at most three years"),
    N_("Decree 142/2026/NĐ-CP Art. 22, as a model"),
    N_("Decree 142/2026/NĐ-CP Art. 23, as a model"),
    N_("Decree 142/2026/NĐ-CP Art. 25, as a model"),
    N_("Decree 142/2026/NĐ-CP Art. 25.3, as a model"),
    N_("Decree 142/2026/NĐ-CP Art. 27, as a model"),
    N_("Decree 314/2026/NĐ-CP Art. 1"),
    N_("Decree 94/2025/NĐ-CP"),
    N_("Decree 94/2025/NĐ-CP: at most two years from the certificate"),
    N_("Decree 94/2025/NĐ-CP: degree and two years of management"),
    N_("Decree 94/2025/NĐ-CP: licence for the whole term of the trial"),
    N_("Decree 94/2025/NĐ-CP: trials within Viet Nam only"),
    N_("Decree 94/2025/NĐ-CP: two extensions of at most one year"),
    N_("Law 93/2025/QH15 Art. 9"),
    N_("Law 93/2025/QH15, Chapter II Section 2 cl. 1, 3; Decree 169/2025/NĐ-CP Art. 8"),
    N_("Law 93/2025/QH15, Chapter II Section 2 cl. 2c"),
    N_("Law 93/2025/QH15, Chapter II Section 2 cl. 2d, 3g; Decision 1437/QĐ-TTg"),
    N_("Law 93/2025/QH15, Chapter II Section 2 cl. 2d; caps written in the certificate"),
    N_("Law 93/2025/QH15, Chapter II Section 2 cl. 3e"),
    N_("Rule of this exchange: an extension is asked for in time"),
    N_("Rule of this exchange: days of grace for a report"),
    N_("Rule of this exchange: what suspends the trial by itself"),
)
VERBS = tuple(verb.value for verb in core.Verb)


def core_of(session: Session, row: Trial) -> core.Trial:
    """The certificate with everything that has happened to it."""
    return certificate(row, events_of(session, row))


def events_of(session: Session, row: Trial) -> list[TrialEvent]:
    """What has happened to it, oldest first."""
    query = select(TrialEvent).where(TrialEvent.trial_id == row.id).order_by(col(TrialEvent.at), col(TrialEvent.id))
    return list(session.exec(query))


def certificate(row: Trial, events: Iterable[TrialEvent]) -> core.Trial:
    """The certificate as the sandbox judges it."""
    events = list(events)
    renewed = [each.until for each in events if each.kind == core.EventKind.SECURITY_RENEWED and each.until]
    return core.Trial(
        cert_no=row.cert_no,
        authority=row.authority,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        sectors=tuple(row.sectors),
        classes=tuple(row.classes),
        verbs=tuple(row.verbs),
        territory=tuple(row.territory),
        caps=core.Caps(row.max_members, row.max_listings, row.max_tx_vnd, row.max_total_vnd),
        notice_version=row.notice_version,
        events=tuple(
            core.Event(core.EventKind(e.kind), e.at, e.until, e.reason, e.id, e.about or "", e.code) for e in events
        ),
        level=row.level,
        approver=core.Approver(row.approver),
        safeguards=tuple(row.safeguards),
        question=row.question,
        measure=row.measure,
        security_valid_to=max([*renewed, *([row.security_valid_to] if row.security_valid_to else [])], default=None),
        profile=core.PROFILES[row.profile],
    )


def say_denied(denied: Denied, field: str | None = None) -> Refusal:
    """A refusal of the sandbox in our shape: sentence and fix in both languages, legal basis, the value refused.

    What a contract in force denies is said in the contract's words, with its clause.
    """
    if denied.code not in words.known() and denied.code in contract_words.SENTENCES:
        return _by_contract(denied)
    value = denied.facts.get("value") or denied.facts.get("used")
    return Refusal(
        denied.code,
        field=field,
        basis=denied.basis,
        value=None if value in (None, "") else words.shown("", value, "vi"),
        facts=plain(denied.facts),
        vi=words.say(denied, "vi"),
        en=words.say(denied, "en"),
        passes_vi=words.fix(denied, "vi") or None,
        passes_en=words.fix(denied, "en") or None,
    )


def plain(facts: Mapping[str, object]) -> dict[str, Any]:
    """Facts as JSON holds them; days and moments as people in Viet Nam write them."""
    return {key: words.shown("", fact, "vi") if isinstance(fact, date) else fact for key, fact in facts.items()}


def _by_contract(denied: Denied) -> Refusal:
    facts = {name: value for name, value in denied.facts.items() if isinstance(value, str | int)}
    said = contract_rules.say_denied(NotAllowed(denied.code, facts, denied.basis))
    return replace(said, vi=words.quoting(said.vi or "", denied, "vi"), en=words.quoting(said.en or "", denied, "en"))
