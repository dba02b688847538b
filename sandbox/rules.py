"""The rules of the controlled trial, one small class each; `judge` says everything that stands in the way.

Codes, parameters and legal bases are those of the project's table of law (rules T1-T19, X30).
"""

from datetime import datetime

from sandbox.actions import PREPARES
from sandbox.actions import Action as Action
from sandbox.actions import ActionKind as ActionKind
from sandbox.actions import Entity as Entity
from sandbox.actions import Rule as Rule
from sandbox.actions import Usage as Usage
from sandbox.denials import Denied
from sandbox.profiles import PROFILES
from sandbox.rules_certificate import Authorised as Authorised
from sandbox.rules_certificate import Competence as Competence
from sandbox.rules_certificate import Duration as Duration
from sandbox.rules_certificate import Extension as Extension
from sandbox.rules_certificate import Level as Level
from sandbox.rules_certificate import Scope as Scope
from sandbox.rules_certificate import Territory as Territory
from sandbox.rules_certificate import WithinCaps as WithinCaps
from sandbox.rules_course import ExitReported as ExitReported
from sandbox.rules_course import IncidentReported as IncidentReported
from sandbox.rules_course import Liability as Liability
from sandbox.rules_course import NoExport as NoExport
from sandbox.rules_course import NotSuspended as NotSuspended
from sandbox.rules_course import NotTerminated as NotTerminated
from sandbox.rules_course import NoVestedRight as NoVestedRight
from sandbox.rules_course import Reported as Reported
from sandbox.rules_participants import Eligible as Eligible
from sandbox.rules_participants import FitManager as FitManager
from sandbox.rules_participants import Informed as Informed
from sandbox.rules_participants import Licence as Licence
from sandbox.trial import Trial, authorised

RULES: tuple[Rule, ...] = (
    Authorised(),
    Duration(),
    Extension(),
    Licence(),
    Eligible(),
    FitManager(),
    Territory(),
    Scope(),
    WithinCaps(),
    Level(),
    Competence(),
    Reported(),
    IncidentReported(),
    Informed(),
    NoVestedRight(),
    NotSuspended(),
    NotTerminated(),
    ExitReported(),
    NoExport(),
)
LIABILITY = Liability()
WITHOUT_CERTIFICATE: tuple[Rule, ...] = (Authorised(), NoVestedRight(), NoExport())  # the others need one to compare
NOTHING = Trial("", "", None, None, (), ())


def judge(trial: Trial | None, action: Action, now: datetime) -> tuple[Denied, ...]:
    """Every denial that stands in the way, in the order of the rules; empty means allowed."""
    judged = trial or NOTHING
    complete = authorised(judged) or action.kind in PREPARES
    return tuple(
        denied for rule in (RULES if complete else WITHOUT_CERTIFICATE) for denied in rule.check(judged, action, now)
    )


def bases() -> frozenset[str]:
    """Every legal basis that a denial may name."""
    of_rules = {rule.basis for rule in RULES} | {LIABILITY.basis}
    return frozenset(of_rules | {source.basis for each in PROFILES.values() for source in each.sources.values()})
