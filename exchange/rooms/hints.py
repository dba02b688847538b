"""Example questions for a room, and the allowed question nearest to a refused one. Every one passes the gate."""

import re

from exchange.i18n import language
from exchange.rooms.policies import columns_by_role
from sandbox import query
from sandbox.denials import Denied
from sandbox.policy import Kind, Policy, Role

WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
MOST = 4  # examples


def examples(policy: Policy) -> list[str]:
    """A handful of questions in rising order of interest; in mode `template` the provider's own, all of them."""
    if policy.templates:
        return [template.call() for template in policy.templates]
    dims, times, measures = (columns_by_role(policy, role) for role in (Role.DIM, Role.TIME, Role.MEASURE))
    dims.sort(key=lambda name: policy.columns[name.lower()].kind is not Kind.TEXT)  # names tell more than codes
    found = [_ask(policy, [], [])]
    if dims:
        found.append(_ask(policy, dims[:1], []))
    if dims and measures:
        found.append(_ask(policy, dims[:1], measures[:1]))
    if times:
        found.append(_ask(policy, [], measures[:1], time=times[0]))
    if len(dims) > 1:
        found.append(_ask(policy, dims[:2], measures[:1]))
    return [text for text in dict.fromkeys(found) if isinstance(query.check(text, policy), query.Accepted)][:MOST]


def nearest(sql: str, policy: Policy) -> str | None:
    """A question about the columns the refused one speaks of that the gate lets through; None when there is none. In
    mode `template` the provider's question that the text names, else the first."""
    if policy.templates:
        named = {word.lower() for word in WORD.findall(sql)}
        return next((each for each in policy.templates if each.id.lower() in named), policy.templates[0]).call()
    for candidate in (_tidied(sql, policy), _about(sql, policy)):
        if candidate and candidate.strip() != sql.strip() and not isinstance(query.check(candidate, policy), Denied):
            return candidate
    return None


def approved(policy: Policy) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What may be asked in mode `template`: title, how it is written, and of each parameter what it may be."""
    return [
        (
            each.title_vi if language() == "vi" else each.title_en,
            each.call(),
            [(parameter.name, parameter.allowed) for parameter in each.parameters],
        )
        for each in policy.templates
    ]


def around(sql: str, position: object) -> tuple[str, str, str] | None:
    """The text before, at and after the place where the gate stopped; None when it named no place."""
    if not isinstance(position, int) or not 0 < position < len(sql):
        return None
    word = WORD.match(sql, position)
    end = word.end() if word else position + 1
    return sql[max(0, position - 40) : position], sql[position:end], sql[end : end + 40]


def _tidied(sql: str, policy: Policy) -> str:
    """The same text without comments and closing semicolon, asked of this room's table, with a sane LIMIT."""
    text = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL).strip().rstrip(";").strip()
    text = re.sub(r"(?i)\bfrom\s+[\w.\"]+", f"FROM {policy.table}", text, count=1)
    return re.sub(r"(?i)\blimit\s+\S+(\s+offset\s+\S+)?\s*$", f"LIMIT {policy.limits.max_rows}", text)


def _about(sql: str, policy: Policy) -> str | None:
    named = {word.lower() for word in WORD.findall(sql)}
    dims, times, measures = (
        [name for name in columns_by_role(policy, role) if name.lower() in named]
        for role in (Role.DIM, Role.TIME, Role.MEASURE)
    )
    if not dims and not times:
        dims = columns_by_role(policy, Role.DIM)[:1]
    return _ask(policy, dims[:2], measures[:2], time=times[0] if times and not dims else None)


def _ask(policy: Policy, dims: list[str], measures: list[str], time: str | None = None) -> str:
    shown = list(dims)
    if time is not None:
        column = policy.column(time)
        grain = column.grain[0] if column and column.grain else "month"
        shown.append(f"date_trunc('{grain}', {time}) AS {grain}")
    shown.append("COUNT(*) AS n")
    shown += [f"round(AVG({name}), 2) AS avg_{name}" for name in measures]
    keys = ", ".join(str(position) for position in range(1, len(shown) - len(measures)))
    text = f"SELECT {', '.join(shown)}\nFROM {policy.table}"
    if keys:
        text += f"\nGROUP BY {keys}\nORDER BY {'1' if time else 'n DESC'}"
    return text
