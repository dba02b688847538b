"""`python -m sandbox check|run|probe|receipt`: JSON lines of queries in, JSON lines of verdicts out.

check --policy P.json                              the gate alone, on text and policy
run   --policy P.json --table sales=FILE.parquet   builds a protected snapshot of FILE first, then answers
probe                                              which tiers of isolation this machine reaches, and what failed
receipt FILE --key KEY [--answer ANSWER]           whether the key has signed this receipt, and of this answer
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox import context, launch, overlap, privacy, query, receipt, snapshot, words
from sandbox.denials import Denied, SandboxError
from sandbox.overlap import Region
from sandbox.policy import Policy
from sandbox.privacy import Released
from sandbox.query import Accepted
from sandbox.runner import Answer, Runner, shape_released

CONTEXT_KEYS = frozenset(
    {"now", "purpose", "buyer", "queries_left", "queries_left_today", "running", "state", "contract_version"}
    | {"epsilon_left", "parallel", "output"}
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer every line; exit 0 when all lines were read, 2 when the policy, the file or the receipt is refused."""
    chosen = _arguments(arguments)
    try:
        if chosen.command in ("probe", "receipt"):
            return _probe() if chosen.command == "probe" else _receipt(chosen)
        with open(chosen.policy, encoding="utf-8") as file:
            policy = Policy.from_json(json.load(file))
        with ExitStack() as stack:
            door = Door(policy, chosen.lang)
            if chosen.command == "run":
                door.open(stack, chosen.table)
            for line in sys.stdin:
                if line.strip():
                    print(_line(door.answer(line)), flush=True)
    except SandboxError as error:
        print(words.say(error.denied, chosen.lang), file=sys.stderr)
        return 2
    except (OSError, ValueError, RecursionError) as error:  # of the files we were given; their text is not repeated
        print(type(error).__name__, file=sys.stderr)
        return 2
    return 0


def _probe() -> int:
    """A line for each tier that can be had without a virtual machine: what was tried there and not stopped."""
    for tier in (0, 1, 2):
        found = launch.trial(tier)
        open_ = [act for act, stopped in {**found.walls, **found.acts}.items() if not stopped]
        print(json.dumps({"tier": tier, "reached": found.tier == tier, "not_stopped": open_, "why": found.why}))
    return 0


def _receipt(chosen: argparse.Namespace) -> int:
    """Print the claims of a receipt that holds."""
    key = receipt.from_jwk(json.loads(Path(chosen.key).read_text(encoding="utf-8")))
    claims = receipt.check(Path(chosen.file).read_text(encoding="utf-8"), key)
    if chosen.answer is not None:
        answer = json.loads(Path(chosen.answer).read_text(encoding="utf-8"))
        if not isinstance(answer, Mapping) or not {"columns", "rows"} <= answer.keys():
            raise SandboxError("RECEIPT_ANSWER")
        receipt.of_answer(claims, answer["columns"], answer["rows"])
    print(json.dumps(claims, ensure_ascii=False, indent=2))
    return 0


class Door:
    """One policy, perhaps one snapshot, the number of questions left to this run, and what it has been asked."""

    def __init__(self, policy: Policy, lang: str) -> None:
        self.policy, self.lang = policy, lang
        self.left, self.epsilon_left = policy.budgets.queries_total, policy.budgets.epsilon_total_micro
        self.asked: dict[str, Region] = {}
        self.tables: dict[str, Released] = {}
        self.runner: Runner | None = None
        self.file = Path()

    def open(self, stack: ExitStack, table: str) -> None:
        """Protect the file before anything is asked of it."""
        name, _, source = table.partition("=")
        if name.lower() != self.policy.table.lower() or not source:
            raise SandboxError("T1", table=self.policy.table)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sandbox-"))
        self.file = snapshot.build(source, self.policy, Path(folder) / "snapshot.parquet").path
        # The provider runs this door over its own data: nobody to hide the clock from.
        self.runner = stack.enter_context(Runner(time_buckets=()))

    def answer(self, line: str) -> dict[str, Any]:
        """The verdict on one line."""
        try:
            asked = json.loads(line)
            sql, given = _asked(asked), asked.get("context")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return self._denied(None, Denied("S0", {"position": 0}))
        if not isinstance(sql, str):
            return self._denied(asked.get("id"), Denied("S0", {"position": 0}))
        refused = next(_circumstances(self.policy, given), None)
        if refused is not None:
            return self._denied(asked.get("id"), refused)
        accepted = query.check(sql, self.policy)
        if isinstance(accepted, Denied):
            return self._denied(asked.get("id"), accepted)
        return self._asked(asked.get("id"), accepted)

    def _asked(self, name: object, accepted: Accepted) -> dict[str, Any]:
        """What the gate has passed: repeated (N1), too close to an earlier question (D1), or new."""
        if accepted.statistic in self.asked:
            return self._told(name, accepted, "N1")
        region = overlap.region(accepted.question, self.policy)
        close = overlap.judge(region, self.asked.values(), self.policy)
        if close is not None and close.narrow:
            return self._denied(name, Denied("D1", {"column": close.column, "parts": close.parts}))
        refused = None if self.runner is None else self._run(self.runner, accepted)
        if refused is not None:
            return self._denied(name, refused)
        self.asked[accepted.statistic] = region
        return self._told(name, accepted, None if close is None else "D1")

    def _run(self, runner: Runner, accepted: Accepted) -> Denied | None:
        if self.left < 1:
            return Denied("B1", {"limit": self.policy.budgets.queries_total, "left": 0})
        if accepted.epsilon_micro > self.epsilon_left:
            limit = self.policy.budgets.epsilon_total_micro
            return Denied("B3", {"cost": accepted.epsilon_micro, "left": self.epsilon_left, "limit": limit})
        # Paid before the engine starts, and never given back: whether it fails may depend on the data.
        self.left -= 1
        self.epsilon_left -= accepted.epsilon_micro
        outcome = runner.run_accepted(self.policy, self.file, accepted)
        if isinstance(outcome, Denied):
            return outcome
        self.tables[accepted.statistic] = outcome.released
        return None

    def _told(self, name: object, accepted: Accepted, limited: str | None) -> dict[str, Any]:
        if self.runner is None:
            return self._allowed(name, limited or accepted.limited)
        answer = shape_released(self.policy, self.tables[accepted.statistic], accepted)
        cut = "K1" if answer.suppressed else "O1" if answer.truncated else limited or accepted.limited
        return {**self._allowed(name, cut), **self._shown(answer)}

    def _allowed(self, name: object, limited: str | None) -> dict[str, Any]:
        reason = "" if limited is None else words.say(Denied(limited), self.lang)
        return {"id": name, "verdict": "allow" if limited is None else "limit", "code": limited, "reason": reason}

    def _shown(self, answer: Answer) -> dict[str, Any]:
        shown = {
            "columns": answer.columns,
            "rows": answer.rows,
            "suppressed": answer.suppressed,
            "truncated": answer.truncated,
            "budget_left": self._left(),
            "receipt": dict(answer.receipt),
        }
        return shown | ({"half_widths": answer.half_widths} if answer.half_widths else {})

    def _left(self) -> dict[str, int]:
        noisy = {"epsilon_micro": self.epsilon_left} if privacy.on(self.policy) else {}
        return {"queries": self.left, **noisy}

    def _denied(self, name: object, denied: Denied) -> dict[str, Any]:
        answer: dict[str, Any] = {"id": name, "verdict": "deny", "code": denied.code}
        answer |= {"reason": words.say(denied, self.lang), "fix": words.fix(denied, self.lang)}
        if self.runner is not None:
            answer |= {"columns": [], "rows": [], "budget_left": self._left()}
        return answer | ({"position": denied.facts["position"]} if "position" in denied.facts else {})


def _asked(line: Mapping[str, Any]) -> object:
    """The text of a line: SQL, or in mode `template` the name and the values, which may be keys of the line itself."""
    if "template" not in line or "sql" in line:
        return line["sql"]
    return json.dumps({key: line[key] for key in ("template", "parameters") if key in line})


def _circumstances(policy: Policy, given: object) -> Iterator[Denied]:
    """What a line says about its circumstances, read strictly: what we do not understand refuses."""
    if given is None:
        return
    if not isinstance(given, Mapping) or not set(given) <= CONTEXT_KEYS:
        yield Denied("X0")
        return
    now = _moment(given.get("now", "in_window"), policy)
    if now is None or given.get("state", "open") != "open":
        yield Denied("X0" if now is None else "X2", {"state": str(given.get("state", ""))})
        return
    if given.get("contract_version", "current") != "current":
        yield Denied("X5")
    left = given.get("epsilon_left", 1)
    if not _enough(left):
        budgets = policy.budgets
        cost, limit = budgets.epsilon_per_query_micro, budgets.epsilon_total_micro
        yield Denied("B3", {"cost": cost, "left": left, "limit": limit})
    numbers = {key: given.get(key) for key in ("queries_left", "queries_left_today")}
    running = given.get("running", 0)
    if not all(value is None or isinstance(value, int) for value in numbers.values()) or not isinstance(running, int):
        yield Denied("X0")
        return
    yield from context.judge(
        policy,
        context.Context(
            now=now,
            purpose=given.get("purpose", policy.purposes[0] if policy.purposes else None),
            buyer=given.get("buyer", policy.buyer),
            person=policy.people[0] if policy.people else None,
            queries_left=numbers["queries_left"],
            queries_left_today=numbers["queries_left_today"],
            running=running,
            output=str(given.get("output", "view")),
        ),
    )
    if given.get("buyer", policy.buyer) != policy.buyer:
        yield Denied("X4")


def _enough(left: object) -> bool:
    return isinstance(left, int | float) and not isinstance(left, bool) and left > 0


def _moment(text: object, policy: Policy) -> datetime | None:
    named = {
        "before_window": policy.window.starts - timedelta(seconds=1),
        "in_window": policy.window.starts,
        "after_window": policy.window.ends,
    }
    if not isinstance(text, str):
        return None
    if text in named:
        return named[text]
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _line(answer: Mapping[str, Any]) -> str:
    """One line of JSON; half a character in a name that was given back stands as the escape it came as."""
    text = json.dumps(answer, ensure_ascii=False, default=_plain)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(answer, default=_plain)
    return text


def _plain(value: object) -> int | float | str:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("check", "judge queries by the policy alone"), ("run", "answer queries over one file")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--policy", required=True, help="policy JSON file")
        command.add_argument("--lang", choices=("vi", "en"), default="en", help="language of the reasons")
        if name == "run":
            command.add_argument("--table", required=True, help="NAME=FILE (parquet, csv, jsonl)")
    commands.add_parser("probe", help="try which tiers of isolation this machine reaches")
    checked = commands.add_parser("receipt", help="check the signed receipt of an answer, offline")
    checked.add_argument("file", help="the receipt, as the test room gave it")
    checked.add_argument("--key", required=True, help="the public key of who ran the question, a JWK file")
    checked.add_argument("--answer", help="the answer with its columns and rows, a JSON file")
    checked.add_argument("--lang", choices=("vi", "en"), default="en", help="language of the reasons")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
