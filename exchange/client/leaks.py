"""``minhbach trial leaks|account``: what buyers have taken of one's data in test rooms, and stopping them."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from exchange.client.deals import YES
from exchange.client.desk import Desk, clean, online
from exchange.client.trial import table
from exchange.client.trial_life import trial

SCOPES = {"provider": "catalogue", "operator": "moderate", "regulator": "audit"}
AS = click.option(
    "--as", "kind", type=click.Choice([*SCOPES]), default="provider", show_default=True, help="For whom you act."
)


@trial.command("leaks")
@click.argument("listing", required=False)
@AS
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON, refusals by rule and ties included.")
@online
def leaks(desk: Desk, listing: str | None, kind: str, as_json: bool) -> None:
    """The meter of LISTING's buyers; as operator or regulator, of every account."""
    if kind == "provider":
        if not listing:
            raise click.UsageError("LISTING is missing")
        path = f"/listings/{quote(listing, safe='')}/leaks"
    else:
        path = "/query-accounts" if kind == "operator" else "/oversight/leaks"
    found = desk.connection(SCOPES[kind]).call("GET", path)["accounts"]
    if listing:
        found = [each for each in found if kind == "provider" or each["listing"] == listing]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=True, indent=2))
        return
    for each in found:
        _tell(desk, each)
    if not found:
        desk.tell("NO_ACCOUNTS")


def _tell(desk: Desk, each: Mapping[str, Any]) -> None:
    asked, epsilon, overlaps = each["questions"], each["epsilon_micro"], each["overlaps"]
    desk.tell("ACCOUNT", id=each["id"], name=each["buyer_name"], state=each["state"], level=each["level"])
    desk.tell("ACCOUNT_SPENT", used=asked["used"], limit=asked["limit"], epsilon=epsilon["used"],
              most=epsilon["limit"], close=overlaps["seen"], attempts=each["attempts"])  # fmt: skip
    rows = [(f"{each['rules'][code][desk.lang]} ({code})", count) for code, count in sorted(each["denied"].items())]
    rows += [(name, " ".join(why)) for name, why in sorted(each["tied"].items())]
    if rows:
        click.echo(clean(table(("", ""), rows)))


@trial.command("account")
@click.argument("account")
@click.argument("change", type=click.Choice(["pause", "resume", "kill"]))
@click.option("--reason", required=True, help="Why; it is recorded, and the buyer is not told it.")
@click.option("--questions", type=int, help="With resume: questions in all from now on.")
@click.option("--epsilon-micro", type=int, help="With resume: privacy budget in all from now on, millionths of ε.")
@AS
@YES
@online
def account(
    desk: Desk, account: str, change: str, reason: str, questions: int | None, epsilon_micro: int | None, kind: str,
    yes: bool,
) -> None:  # fmt: skip
    """Pause a buyer's ACCOUNT of questions, let it go on, or end it for good; questions that run end at once."""
    if change == "kill" and not yes and not click.confirm(desk.say("ACCOUNT_KILL_CONFIRM", account=account)):
        return
    scope = "moderate" if kind == "regulator" else SCOPES[kind]
    body = {"kind": change, "reason": reason, "questions": questions, "epsilon_micro": epsilon_micro}
    found = desk.connection(scope).call("POST", f"/query-accounts/{quote(account, safe='')}/change", body)
    desk.tell("ACCOUNT_CHANGED", id=found["id"], state=found["state"], limit=found["questions"])
