"""A policy in lines that people read: what may be asked, the value, and the clause or the rule behind each."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from flask_babel import gettext as _

from contracts.clauses import TITLES
from exchange.i18n import day, language, number
from sandbox import words
from sandbox.compile import UNLIMITED
from sandbox.policy import Mode, Policy, Role
from sandbox.trial import ZONE


class Line(NamedTuple):
    """One limit."""

    label: str
    value: str
    source: str  # "clause 13 of the contract"; empty: decided by the exchange or the provider


def lines(policy: Policy, max_hours: int | None = None, hours_clause: str = "13") -> list[Line]:
    """Everything the policy limits, the most important first. ``max_hours`` is the contract's, not the policy's."""
    found = [Line(label, value, _source(policy.clause(field))) for label, value, field in _parts(policy)]
    if max_hours is not None:
        hours = Line(_("Hours from the first question"), number(max_hours), _source(hours_clause))
        found.insert(3, hours)
    return found


def _source(clause: str | None) -> str:
    return "" if clause is None else words.source(clause, language())


def _parts(policy: Policy) -> Iterator[tuple[str, str, str]]:
    limits, budgets = policy.limits, policy.budgets
    last = policy.window.ends - timedelta(microseconds=1)
    yield _("Purpose of every question"), ", ".join(policy.purposes), "purposes"
    yield _("First day"), day(policy.window.starts.astimezone(ZONE).date()), "window.from"
    yield _("Last day"), day(last.astimezone(ZONE).date()), "window.to"
    yield _("Questions in all"), _most(budgets.queries_total), "budgets.queries_total"
    if budgets.queries_per_day < budgets.queries_total:
        yield _("Questions in a day"), _most(budgets.queries_per_day), "budgets.queries_per_day"
    yield _("Smallest group that is shown"), number(limits.min_group), "limits.min_group"
    yield _("What is answered"), _mode(policy), "mode"
    if policy.mode is Mode.AGGREGATE_DP:
        total, each = budgets.epsilon_total_micro / 1e6, budgets.epsilon_per_query_micro / 1e6
        yield (
            _("Privacy budget"),
            _("ε %(total)s in all, %(each)s for a number", total=total, each=each),
            ("budgets.epsilon_total_micro"),
        )
    elif policy.output.round_to > 1:
        yield _("Counts are rounded to"), number(policy.output.round_to), "output.round_to"
    yield _("Columns that may be used"), _columns(policy), "columns"
    yield _("Rows in an answer, at most"), number(limits.max_rows), "limits.max_rows"
    if policy.output.view_only or policy.export_ban:
        yield _("Taking answers or data away"), _("not allowed: answers are looked at"), "export_ban"
    yield (
        _("Isolation of the engine"),
        _("tier %(tier)s or higher", tier=policy.min_isolation_tier),
        ("min_isolation_tier"),
    )
    yield _("State"), _state(policy), "state"


def _most(questions: int) -> str:
    return _("no limit agreed") if questions >= UNLIMITED else number(questions)


def _mode(policy: Policy) -> str:
    if policy.mode is Mode.AGGREGATE_DP:
        return _("statistics about groups, with noise that hides single persons")
    if policy.mode is Mode.TEMPLATE:
        names = ", ".join(template.id for template in policy.templates)
        return _("statistics about groups, only the questions approved by the provider: %(names)s", names=names)
    return _("statistics about groups")


def _columns(policy: Policy) -> str:
    return ", ".join(column.name for column in policy.columns.values() if column.role is not Role.FORBIDDEN) or "—"


def _state(policy: Policy) -> str:
    names = {"open": _("open"), "paused": _("paused"), "closed": _("closed"), "killed": _("stopped for good")}
    return names[policy.state]


def unenforced(policy: Policy) -> list[tuple[str, str]]:
    """The clauses that no limit enforces, with their titles: the parties answer for them, no machine does."""
    titles = TITLES[language()]
    return [(each, titles[int(each) - 1]) for each in policy.unenforced if each.isdigit() and int(each) <= len(titles)]
