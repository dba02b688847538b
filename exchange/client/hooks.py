"""``minhbach notices`` and ``minhbach webhook``: what one is told, and whom else the exchange shall tell."""

from typing import Any
from urllib.parse import quote

import click

from exchange.client.desk import Desk, clean, online
from exchange.client.trial import table


@click.command("notices")
@click.option("--all", "everything", is_flag=True, help="Also those that were read.")
@click.option("--read", is_flag=True, help="Mark what is shown as read.")
@online
def notices(desk: Desk, everything: bool, read: bool) -> None:
    """What happened, newest first. Notices belong to a person: the client file says "flow": "person"."""
    connection = desk.connection("")
    found = connection.call("GET", "/notices" if everything else "/notices?unread=1")
    for notice in found["notices"]:
        click.echo(clean(f"{notice['at'][:16]}  {notice['text']}  {connection.base}{notice['path']}"))
        if read and notice["read_at"] is None:
            connection.call("POST", f"/notices/{quote(notice['id'], safe='')}/read")
    desk.tell("UNREAD", count=found["unread"])


@click.group("webhook")
def webhook() -> None:
    """Receivers of one's organisation that the exchange reports to (Standard Webhooks)."""


@webhook.command("add")
@click.argument("url")
@online
def add(desk: Desk, url: str) -> None:
    """Report to URL from now on; prints the secret, once."""
    made = desk.connection("webhooks").call("POST", "/webhooks", {"url": url})
    desk.tell("WEBHOOK_ADDED", id=made["id"], url=made["url"])
    desk.tell("WEBHOOK_SECRET", secret=made["secret"])


@webhook.command("list")
@online
def list_all(desk: Desk) -> None:
    """The organisation's webhooks and how they do."""
    found = desk.connection("webhooks").call("GET", "/webhooks")
    rows = [(one["id"], _state(one), one["url"]) for one in found]
    click.echo(clean(table(("", "", ""), rows)))


@webhook.command("remove")
@click.argument("webhook")
@online
def remove(desk: Desk, webhook: str) -> None:
    """Send nothing more to this WEBHOOK."""
    desk.connection("webhooks").call("DELETE", _address(webhook))
    desk.tell("WEBHOOK_REMOVED", id=webhook)


@webhook.command("rotate")
@click.argument("webhook")
@online
def rotate(desk: Desk, webhook: str) -> None:
    """Give WEBHOOK a new secret, printed once; for a day the old one signs too."""
    made = desk.connection("webhooks").call("POST", f"{_address(webhook)}/rotate")
    desk.tell("WEBHOOK_SECRET", secret=made["secret"])


@webhook.command("test")
@click.argument("webhook")
@online
def test(desk: Desk, webhook: str) -> None:
    """Send WEBHOOK a message that reports nothing."""
    sent = desk.connection("webhooks").call("POST", f"{_address(webhook)}/test")
    desk.tell("WEBHOOK_SENDING", id=sent["id"])


@webhook.command("messages")
@click.argument("webhook")
@click.option("--state", type=click.Choice(("waiting", "done", "dead")), help="Only those; dead: given up.")
@online
def messages(desk: Desk, webhook: str, state: str | None) -> None:
    """The newest messages to WEBHOOK and how each went."""
    query = f"?state={state}" if state else ""
    found = desk.connection("webhooks").call("GET", f"{_address(webhook)}/messages{query}")
    rows = [(m["id"], m["at"][:16], m["type"], m["state"], m["tries"], m["code"]) for m in found]
    click.echo(clean(table(("",) * 6, rows)))


@webhook.command("redeliver")
@click.argument("webhook")
@click.argument("message")
@online
def redeliver(desk: Desk, webhook: str, message: str) -> None:
    """Send a MESSAGE to WEBHOOK again, under its old id."""
    path = f"{_address(webhook)}/messages/{quote(message, safe='')}/again"
    desk.tell("WEBHOOK_SENDING", id=desk.connection("webhooks").call("POST", path)["id"])


def _address(webhook: str) -> str:
    return f"/webhooks/{quote(webhook, safe='')}"


def _state(one: dict[str, Any]) -> str:
    if one["disabled_at"]:
        return "disabled"
    return "failing" if one["failing_since"] else "active"
