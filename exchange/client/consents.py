"""``minhbach negotiate approve|withdraw-approval|rule``: a person's approval, and the rule that agrees to requests."""

import json
from typing import Any
from urllib.parse import quote

import click

from exchange.client.deals import SEEN, YES, address, tell
from exchange.client.desk import Desk, clean, online
from exchange.client.words import ClientError


@click.command("approve")
@click.argument("negotiation")
@click.option("--signature", is_flag=True, help="Approve signing the contract drawn up, instead of the terms.")
@SEEN
@YES
@online
def approve(desk: Desk, negotiation: str, signature: bool, terms_hash: str | None, yes: bool) -> None:
    """Approve for your organisation, as a person: the client file says "flow": "person"."""
    connection = desk.connection("sign" if signature else "negotiate")
    found = connection.call("GET", address(negotiation))
    digest, text = _contract(desk, connection, found) if signature else _terms(found)
    click.echo(clean(text))
    if terms_hash not in (None, digest):
        raise ClientError("TERMS_DIFFER", got=digest, wanted=terms_hash)
    if not yes and not click.confirm(desk.say("APPROVE_CONFIRM")):
        raise ClientError("NOTHING_CHANGED")
    body = {"what": "signature" if signature else "terms", "digest": digest}
    tell(desk, connection.call("POST", f"{address(negotiation)}/approvals", body))


def _terms(found: dict[str, Any]) -> tuple[str, str]:
    from contracts.terms import Terms

    return Terms.from_json(found["terms"]).hash, json.dumps(found["terms"], ensure_ascii=False, indent=2)


def _contract(desk: Desk, connection: Any, found: dict[str, Any]) -> tuple[str, str]:
    """The digest of the contract as it was received, and its prose."""
    from contracts import document, text

    if not found.get("contract_id"):
        raise ClientError("NO_CONTRACT")
    payload = connection.fetch(f"/api/v1/contracts/{quote(found['contract_id'], safe='')}/payload")
    drawn = document.parse(payload)
    return drawn.hash, text.plain(drawn, desk.lang)


@click.command("withdraw-approval")
@click.argument("negotiation")
@click.argument("approval")
@click.option("--signature", is_flag=True, help="It was the approval of a signature.")
@online
def withdraw_approval(desk: Desk, negotiation: str, approval: str, signature: bool) -> None:
    """Take an APPROVAL back before it was used."""
    connection = desk.connection("sign" if signature else "negotiate")
    tell(desk, connection.call("POST", f"{address(negotiation)}/approvals/{quote(approval, safe='')}/withdraw"))


@click.command("rule")
@click.argument("listing")
@click.option("--level", type=click.IntRange(0, 3), help="Set it: for buyers with at least this confirmed level.")
@click.option("--max-price", type=click.IntRange(0), help="With --level: up to this price in đồng.")
@click.option("--end", is_flag=True, help="End it: a person answers from now on.")
@online
def rule(desk: Desk, listing: str, level: int | None, max_price: int | None, end: bool) -> None:
    """Show, set or end the rule by which requests on LISTING's unchanged offer are agreed to at once."""
    from exchange.client.connection import ServerRefused

    connection = desk.connection("negotiate")
    place = f"/listings/{quote(listing, safe='')}/agree-rule"
    try:
        if end:
            connection.call("DELETE", place)
            found = None
        elif level is not None:
            found = connection.call("PUT", place, {"min_level": level, "max_price_vnd": max_price})
        else:
            found = connection.call("GET", place)
    except ServerRefused as refused:
        if refused.status != 404 or end or level is not None:
            raise
        found = None
    if found is None:
        desk.tell("RULE_NONE", listing=listing)
        return
    price = "—" if found["max_price_vnd"] is None else found["max_price_vnd"]
    desk.tell("RULE_STANDS", listing=listing, level=found["min_level"], price=price, since=found["set_at"])
