"""What one buyer has learned of one dataset, in numbers, and which buyers must be seen as one.

Two organisations that share people, programs or a tax code can put their answers together: a budget each would be two
budgets for one reader. What ties them is read from what the exchange knows; it proves nothing, and is shown as it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ROOT_DIGITS = 10  # of a Vietnamese tax code: what follows numbers the branches (Circular 86/2024/TT-BTC Art. 5)
PROBING = 20  # questions refused for what they tried; a person who learns the rules makes fewer mistakes
HALF = 50  # per cent of a budget
PUBLIC_MAIL = frozenset(
    {
        "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "yahoo.com", "yahoo.com.vn",
        "icloud.com", "proton.me", "protonmail.com", "zoho.com", "mail.com", "zalo.me",
    }
)  # fmt: skip


class Tie(StrEnum):
    """Why two buyers count as one."""

    TAX_CODE = "tax_code"  # a company and its branches
    MEMBER = "member"  # somebody works for both
    MAIL = "mail"  # people of both have addresses of one domain, which is no public provider's
    PROGRAM = "program"  # a program of the one acts for the other


@dataclass(frozen=True)
class Party:
    """What is known of an organisation that can tie it to another."""

    tax_code: str
    members: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()  # that it owns, or that act for it


def ties(one: Party, other: Party) -> tuple[Tie, ...]:
    """Everything that ties two organisations."""
    found = {
        Tie.TAX_CODE: one.tax_code[:ROOT_DIGITS] == other.tax_code[:ROOT_DIGITS] != "",
        Tie.MEMBER: bool(one.members & other.members),
        Tie.MAIL: bool((one.domains & other.domains) - PUBLIC_MAIL),
        Tie.PROGRAM: bool(one.programs & other.programs),
    }
    return tuple(tie for tie, holds in found.items() if holds)


class Level(StrEnum):
    """How much attention an account asks for."""

    CALM = "calm"
    WATCH = "watch"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Meter:
    """What one account has taken. ``denied`` counts refusals by rule; ``overlaps`` answers that came close to D1."""

    state: str
    asked: int
    cap: int
    epsilon_micro: int
    epsilon_cap_micro: int
    overlaps: int = 0
    denied: Mapping[str, int] = field(default_factory=dict)
    ties: tuple[Tie, ...] = ()

    @property
    def percent(self) -> int:
        """Of the budget that is nearer to its end, rounded down."""
        shares = [100 * self.asked // self.cap] if self.cap else [100]
        if self.epsilon_cap_micro:
            shares.append(100 * self.epsilon_micro // self.epsilon_cap_micro)
        return max(shares)

    @property
    def attempts(self) -> int:
        """Refusals for what the question tried, not for its circumstances."""
        return tried(self.denied)

    @property
    def level(self) -> Level:
        """Stopped, or worth a look: half used, a difference refused, many forbidden attempts, tied to another buyer."""
        if self.state != "open":
            return Level.STOPPED
        signs = (self.percent >= HALF, "D1" in self.denied, self.attempts >= PROBING, bool(self.ties))
        return Level.WATCH if any(signs) else Level.CALM


def tried(denied: Mapping[str, int] | Iterable[tuple[str, int]]) -> int:
    """Attempts at what the rules of the text forbid (tables, columns, aggregates, conditions) or D1 refuses."""
    return sum(count for code, count in dict(denied).items() if code[:1] in "TCAWHFD" and not code.startswith("TRIAL"))
