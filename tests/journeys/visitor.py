"""A web browser without JavaScript: it knows only what stands on the page it has open.

A form is sent with exactly the fields that the page offers, hidden ones (the CSRF token) included. A field that the
page does not have cannot be filled in, so a test that passes proves that the page carries the whole step.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse, encode_multipart


@dataclass
class Form:
    """One form of a page: what it would send if nothing were typed, and which names it offers at all."""

    action: str
    method: str
    filled: list[tuple[str, str]] = field(default_factory=list)
    offered: set[str] = field(default_factory=set)
    single: set[str] = field(default_factory=set)

    def with_typed(self, typed: dict[str, Any]) -> "MultiDict[str, Any]":
        """What a browser sends after somebody has typed; a list ticks several boxes, None unticks.

        A file is given as its open stream.
        """
        unknown = set(typed) - self.offered
        assert not unknown, f"the form {self.action} has no field {sorted(unknown)}, only {sorted(self.offered)}"
        sent: MultiDict[str, Any] = MultiDict([pair for pair in self.filled if pair[0] not in typed])
        for name, value in typed.items():
            for one in value if isinstance(value, list) else [] if value is None else [value]:
                sent.add(name, one)
        return sent


class _Reader(HTMLParser):
    """Collects forms, links and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._area: tuple[str, list[str]] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in facts:
            self.links.append(facts["href"])
        elif tag == "form":
            self._form = Form(facts.get("action", ""), facts.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None and facts.get("name"):
            self._field(self._form, tag, facts)
        elif tag == "option" and self._select is not None:
            self._select[1].append((facts.get("value", ""), "selected" in facts))

    def _field(self, form: Form, tag: str, facts: dict[str, str]) -> None:
        name, kind = facts["name"], facts.get("type", "text")
        form.offered.add(name)
        if tag == "textarea":
            self._area = (name, [])
        elif tag == "select":
            self._select = (name, [])
        elif tag == "input" and kind in ("checkbox", "radio"):
            if "checked" in facts:
                form.filled.append((name, facts.get("value", "on")))
        elif tag == "input" and kind != "file":
            form.filled.append((name, facts.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._area is not None and self._form is not None:
            self._form.filled.append((self._area[0], "".join(self._area[1]).removeprefix("\n")))
            self._area = None
        elif tag == "select" and self._select is not None and self._form is not None:
            name, options = self._select
            if options:
                self._form.filled.append((name, next((v for v, chosen in options if chosen), options[0][0])))
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[1].append(data)
        self.words.append(data)


class Page:
    """An answer, read as a person or a browser would."""

    def __init__(self, url: str, response: TestResponse) -> None:
        self.url, self.status, self.headers, self.data = url, response.status_code, response.headers, response.data
        self.is_html = response.mimetype == "text/html"
        self.html = response.get_data(as_text=True) if self.is_html else ""
        reader = _Reader()
        reader.feed(self.html)
        self.forms, self.links = reader.forms, reader.links
        self.text = " ".join(" ".join(reader.words).split())

    def form(self, ending: str) -> Form:
        """The form whose action ends so."""
        found = [form for form in self.forms if urlsplit(form.action).path.endswith(ending)]
        assert found, f"{self.url} has no form …{ending}, only {[form.action for form in self.forms]}"
        return found[0]

    def says(self, *sentences: str) -> None:
        """The reader sees each of these."""
        for sentence in sentences:
            assert sentence in self.text, f"{self.url} does not say {sentence!r}: {self.text}"

    def link(self, part: str) -> str:
        """The first link whose address holds this."""
        found = [link for link in self.links if part in link]
        assert found, f"{self.url} has no link …{part}…, only {self.links}"
        return found[0]


class Visitor:
    """One person at one browser."""

    def __init__(self, app: Flask, lang: str = "vi") -> None:
        self.client: FlaskClient = app.test_client()
        self.page = self.open(f"/?lang={lang}")

    def open(self, address: str, status: int = 200, **more: Any) -> Page:
        """Go to an address, following redirects."""
        response = self.client.get(address, **more)
        while response.status_code in (301, 302, 303):
            address = urljoin(address, response.headers["Location"])
            response = self.client.get(address)
        return self._shown(address, response, status)

    def follow(self, part: str, status: int = 200) -> Page:
        """Click the link whose address holds ``part``."""
        return self.open(self.page.link(part), status)

    def send(self, ending: str, status: int = 200, **typed: Any) -> Page:
        """Fill in the form whose action ends with ``ending`` and send it; ``status`` is that of the last answer.

        A success must be a redirect (so that reloading repeats nothing), a refusal the same page again.
        """
        form = self.page.form(ending)
        sent = form.with_typed(typed)
        address = urljoin(self.page.url, form.action)
        if form.method == "get":
            return self.open(urlsplit(address).path, status, query_string=sent)
        boundary, body = encode_multipart(sent)  # in memory: the client's own way leaves a temporary file open
        response = self.client.post(address, data=body, content_type=f'multipart/form-data; boundary="{boundary}"')
        if response.status_code == 303:
            return self.open(urljoin(address, response.headers["Location"]), status)
        return self._shown(address, response, status)

    def sign_in(self, email: str, password: str) -> "Visitor":
        """Through the page, as everybody does."""
        self.open("/sign-in")
        page = self.send("/sign-in", email=email, password=password)
        assert page.url.endswith("/me"), page.text
        return self

    def _shown(self, address: str, response: TestResponse, status: int) -> Page:
        page = Page(address, response)
        assert page.status == status, f"{address}: {page.status}, {(page.text or response.get_data()[:2000])!r:.2000}"
        self.page = page
        return page
