"""Where a webhook may lead: the public internet over HTTPS, by every way of writing an address."""

import ipaddress
import socket
from typing import Any

import pytest

from exchange.errors import Refused
from exchange.notices import address, sending

REFUSED = [
    "http://hooks.example.vn/", "ftp://hooks.example.vn/", "hooks.example.vn", "https://", "https:///x", "",
    "https://user@hooks.example.vn/", "https://user:pw@hooks.example.vn/", "https://hooks.example.vn/#x",
    "https://hooks.example.vn:port/", "https://hooks.example.vn:0/", "https://hooks.example.vn/ x",
    "https://hooks.example.vn/\r\nHost: other", "https://hooks.example.vn\\@127.0.0.1/", "https://há.vn/",
    "https://" + "a" * 400 + ".vn/",
    "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data/", "https://0.0.0.0/", "https://[::]/", "https://[::ffff:10.0.0.1]/",
    "https://[fe80::1]/", "https://[fd00::1]/", "https://100.64.0.1/", "https://224.0.0.1/", "https://[ff02::1]/",
    "https://192.0.2.1/", "https://198.18.0.1/", "https://240.0.0.1/", "https://255.255.255.255/",
    "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/", "https://[2001:db8::1]/",
    "https://[2001:0:a00:1::]/",
]  # fmt: skip
PUBLIC = ["https://hooks.example.vn/in?key=1", "https://8.8.8.8/", "https://[2606:4700::1111]:8443/x", "https://a.vn"]
INNER = ["127.0.0.1", "127.1.2.3", "10.1.2.3", "192.168.0.9", "172.31.255.255", "169.254.169.254", "0.0.0.0", "::1",
         "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "100.64.0.1",
         "224.0.0.1", "255.255.255.255", "64:ff9b:1::1"]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_no_public_address_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="WEBHOOK_URL_REFUSED"):
        address.check(url, local=False)


@pytest.mark.parametrize("url", PUBLIC)
def test_public_addresses_may_be_registered(url: str) -> None:
    address.check(url, local=False)


@pytest.mark.parametrize("text", INNER)
def test_a_name_that_leads_inside_is_not_asked(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone or beside a public address: whoever owns the name chooses which one we would get."""
    for found in ([text], ["8.8.8.8", text]):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=found, **__: [entry(one) for one in found])
        with pytest.raises(address.AddressForbidden):
            address.resolve("hooks.example.vn", 443, local=False)
        assert sending.post("https://hooks.example.vn/", {}, b"{}", local=False) == "forbidden"


def test_outside_production_only_this_machine_is_taken_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    address.check("http://127.0.0.1:9000/in", local=True)
    address.check_addresses(["127.0.0.1", "::1"], local=True)
    for url in ("http://10.0.0.1/", "http://hooks.example.vn/", "https://192.168.1.1/"):
        with pytest.raises(Refused):
            address.check(url, local=True)
    with pytest.raises(address.AddressForbidden):
        address.check_addresses(["169.254.169.254"], local=True)


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere the second time gains nothing: it is asked once."""
    answers, went = [["8.8.8.8"], ["127.0.0.1"]], []

    def connect(to: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        went.append(to)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry(one) for one in answers.pop(0)])
    monkeypatch.setattr(socket, "create_connection", connect)
    assert sending.post("https://hooks.example.vn/", {}, b"{}", local=False) == "unreachable"
    assert went == [("8.8.8.8", 443)]
    assert len(answers) == 1


def test_a_name_that_nobody_knows_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert sending.post("https://hooks.example.vn/", {}, b"{}", local=False) == "unreachable"


def entry(text: str) -> tuple[Any, ...]:
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    return family, socket.SOCK_STREAM, 6, "", (text, 443)


def test_the_list_of_inner_addresses_is_read_as_such() -> None:
    assert all(not address.is_public(ipaddress.ip_address(text.partition("%")[0])) for text in INNER)
