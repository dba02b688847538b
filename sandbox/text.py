"""Limits on the buyer's text before any parser sees it (rules L0-L5), and T1 for a string used as a table.

A parser is code too: it recurses, it is slow on hostile input, and two parsers read one odd character in
two ways. So only plain ASCII outside quotes, no comments, no special characters, bounded size and depth.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from sandbox.denials import QueryRefused
from sandbox.policy import Limits

TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"[^"]*")
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?)
      | (?P<mark>[-(),.<>=*+/])""",
    re.VERBOSE,
)
QUOTED_NAME = re.compile(r'"[A-Za-z_][A-Za-z0-9_]*"')
OPENERS = frozenset({"not", "case", "select", "("})
LARGEST_NUMBER = 18  # digits; every honest number fits 64 bits


@dataclass(frozen=True)
class Token:
    """One piece of the buyer's text and where it begins (characters, from 0)."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The keyword or name in lower case, empty for anything else."""
        return self.text.lower() if self.kind == "word" else ""

    @property
    def meaning(self) -> tuple[str, str | Decimal]:
        """What the piece stands for, however it is written: a number, a text, or a name, whose case does not count."""
        if self.kind == "number":
            return "number", Decimal(self.text)
        if self.kind == "string":
            return "text", self.text[1:-1].replace("''", "'").lower()
        return "name", self.text.strip('"').lower()


def scan(sql: str, limits: Limits) -> list[Token]:
    """Cut the text into tokens; raises QueryRefused at the first thing that is not plain."""
    _encoding(sql, limits)
    tokens: list[Token] = []
    end, glued = 0, False
    while end < len(sql):
        match = TOKEN.match(sql, end)
        if match is None:
            raise QueryRefused("L3" if sql[end].isascii() else "L2", position=end)
        token = Token(str(match.lastgroup), match.group(), end)
        end = match.end()
        if token.kind == "space":
            glued = False
            continue
        _plain(token, tokens[-1] if tokens else None, glued, limits)
        tokens.append(token)
        glued = True
        if len(tokens) > limits.max_tokens:
            raise QueryRefused("L1", limit=limits.max_tokens, position=token.at)
    _depth(tokens, limits)
    return tokens


def _encoding(sql: str, limits: Limits) -> None:
    try:
        size = len(sql.encode())
    except UnicodeEncodeError as error:
        raise QueryRefused("L2", position=error.start) from error
    if size > limits.max_sql_bytes:
        raise QueryRefused("L0", size=size, limit=limits.max_sql_bytes)
    for at, char in enumerate(sql):
        if char not in " \t\r\n" and unicodedata.category(char)[0] in "CZ" and char != " ":
            raise QueryRefused("L2", position=at)
    if not unicodedata.is_normalized("NFC", sql):
        raise QueryRefused("L2", position=0)


def _plain(token: Token, before: Token | None, glued: bool, limits: Limits) -> None:
    if token.kind == "string":
        if before is not None and before.word == "from":
            raise QueryRefused("T1", position=token.at)
        if len(token.text) - 2 > limits.max_literal:
            raise QueryRefused("L4", limit=limits.max_literal, position=token.at)
    if token.kind == "number" and len(token.text.replace(".", "")) > LARGEST_NUMBER:
        raise QueryRefused("L4", limit=LARGEST_NUMBER, position=token.at)
    if token.kind == "quoted" and not QUOTED_NAME.fullmatch(token.text):
        raise QueryRefused("L2", position=token.at)
    if before is None:
        return
    # E'..', 0xFF, 'a''b' glued to a name, "pho""ne": two pieces that another reader may take for one.
    if glued and token.kind != "mark" and before.kind != "mark":
        raise QueryRefused("L3", position=token.at)
    if token.kind == "string" and before.kind == "string":
        raise QueryRefused("L3", position=token.at)
    if glued and before.text + token.text in ("--", "/*", "*/"):
        raise QueryRefused("L3", position=before.at)


def _depth(tokens: list[Token], limits: Limits) -> None:
    depth, nots = 0, 0
    for token in tokens:
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
        nots += token.word in OPENERS and token.text != "("
        if max(depth, nots) > limits.max_depth:
            raise QueryRefused("L5", limit=limits.max_depth, position=token.at)
        if depth < 0:
            raise QueryRefused("S0", position=token.at)
    if depth:
        raise QueryRefused("S0", position=tokens[-1].at)
