"""Whether the parser has read the whole text, and as the engine would have: it is made to translate, not to judge.

It leaves out what it has no place for, and takes for a name what is none to the engine. Our own SQL is made from what
was read, so nothing gets through that way; but then it is not the query that somebody wrote, and S0 says so.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from sqlglot import exp

from sandbox import emit
from sandbox.denials import QueryRefused
from sandbox.text import Token

# Words of the language itself, which leave no trace of their own in a tree; every other one names something.
TYPES = frozenset({"date", "timestamp", "datetime"})
GRAMMAR = TYPES | (
    {"select", "all", "from", "as", "where", "and", "in", "group", "by", "having", "order", "limit", "distinct"}
    | {"asc", "desc", "nulls", "first", "last", "true", "false", "cast"}
    | {"count", "sum", "avg", "round", "date_trunc", "datetrunc"}
)
AFTER = {"by": ("group", "order"), "all": ("select", "by", "(")}
NEVER = frozenset({("select", "as"), ("select", ","), ("all", ","), ("asc", "desc")})
SIGNS = frozenset("(),.<>=-")  # of an accepted query, besides the star


def whole(tokens: list[Token], tree: exp.Select) -> None:
    """Refuse a text of which a piece is missing in the tree, or became a name against the engine's grammar."""
    names: dict[object, object] = {node.meta.get("start"): type(node.parent) for node in tree.find_all(exp.Identifier)}
    read = Counter(_leaf(node) for node in tree.walk())
    before = ""
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        named = names.get(token.at)
        if _misplaced(token.text.lower(), before, named) or (token.word == "as" and not _is_name(following, names)):
            raise QueryRefused("S0", position=token.at)
        before = token.text.lower()
        if token.word in GRAMMAR or token.text in SIGNS:
            continue
        if not read[token.meaning]:
            raise QueryRefused("S0", position=token.at)
        read[token.meaning] -= 1


def _misplaced(word: str, before: str, named: object) -> bool:
    """A piece where the engine has no place for it; `named` is what it has become the name of, if it has."""
    if named is None:
        return before not in AFTER.get(word, (before,)) or (before, word) in NEVER
    return word in _keywords() and named is not exp.Column and (before != "as" or named is exp.TableAlias)


def _is_name(token: Token | None, names: Mapping[object, object]) -> bool:
    return token is not None and (token.at in names or token.word in TYPES)


def _leaf(node: exp.Expr) -> tuple[str, str | Decimal]:
    if type(node) is exp.Literal and not node.is_string:
        return "number", Decimal(node.this)
    if isinstance(node, exp.Literal | exp.Var):  # the parser keeps the period of date_trunc as a Var
        return "text", str(node.this).lower()
    return "name", "*" if type(node) is exp.Star else node.name.lower() if type(node) is exp.Identifier else ""


@cache
def _keywords() -> frozenset[str]:
    """Words that the engine takes for a new name only after AS."""
    return emit.keywords("reserved", "type_function") | {"exclude"}  # COUNT(*) EXCLUDE is half a star's clause
