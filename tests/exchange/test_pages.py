"""The frame of every page, its pieces, error pages, fonts and health."""

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, render_template_string
from flask.testing import FlaskClient
from markupsafe import Markup

import exchange
from exchange import home
from exchange.app import create_app
from exchange.config import Config
from exchange.errors import Refusal, Refused
from exchange.permissions import Actor, OrgKind, Role, public
from tests.exchange.conftest import NOW
from tests.exchange.people import People

TEMPLATES = Path(exchange.__file__).parent / "templates"
ERROR = {
    "code": "PRICE_TOO_HIGH",
    "field": "price",
    "message": "Too <high>",
    "basis": "Art. 8",
    "value": "9",
    "passes": "At most 8.",
}
MACROS = {
    "icon": '{{ m.icon("search") }}',
    "page_title": '{% call m.page_title("T", lead="L", kicker="K") %}tag{% endcall %}',
    "field": '{{ m.field("price", "Price", 9, errors, hint="Whole.", required=True, maxlength=9, options=["1"]) }}',
    "textarea": '{{ m.textarea("price", "Price", "</textarea><b>", errors, rows=2, code=True) }}',
    "select": '{{ m.select("price", "Price", [(1, "one"), (2, "two")], "2", errors, empty="none") }}',
    "radios": '{{ m.radios("price", "Price", [("a", "A", "hint"), ("b", "B")], "b", errors, required=True) }}',
    "checkboxes": '{{ m.checkboxes("price", "Price", [("a", "A"), ("b", "B")], ["a", "b"], errors) }}',
    "checkbox": '{{ m.checkbox("price", "Agree", True, errors, hint="h", required=True) }}',
    "file_field": '{{ m.file_field("price", "File", errors, accept=".csv", multiple=True) }}',
    "error_summary": '{{ m.error_summary(errors, ids={"price": "elsewhere"}) }}',
    "status_tag": '{{ m.status_tag("Active", "good") }}',
    "badge": '{{ m.badge("Full", "98", "good", "/q") }}{{ m.badge("Bare") }}',
    "facts": '{{ m.facts([("a", "b"), ("left out", none), ("c", m.moment(now))]) }}',
    "moment": "{{ m.moment(now) }}{{ m.moment(none) }}",
    "timeline": '{{ m.timeline([{"title": "A", "at": now, "who": "B", "text": "C", "href": "/", "tone": "bad"}]) }}',
    "table_box": '{% call m.table_box("Columns") %}<tbody><tr><td>1</td></tr></tbody>{% endcall %}',
    "sort_th": '<table><tr>{{ m.sort_th("Name", "name") }}</tr></table>',
    "pagination": '{{ m.pagination(page=2, pages=3, total=25) }}{{ m.pagination(next="/n") }}',
    "button": '{{ m.button("Send") }}{{ m.button("Go", "secondary", href="/") }}',
    "post_button": '{{ m.post_button("/x", "Send", hidden={"a": "b"}) }}',
    "empty": '{{ m.empty("Nothing", "Soon.", "Begin", "/") }}',
    "notice": '{{ m.notice("Text", "wait", title="T", live=True) }}{% call m.notice() %}<p>x</p>{% endcall %}',
    "refusal": '{{ m.refusal(errors[0], "Change", "/c", title="Refused") }}',
    "copyable": '{{ m.copyable("0123456789abcdef0123") }}{{ m.copyable("short") }}',
    "steps": '{{ m.steps([("One", "/1"), ("Two", "/2"), ("Three", none)], 2) }}',
    "tabs": '{{ m.tabs([("a", "A", "/a"), ("b", "B", "/b", 3)], "b") }}',
    "meter": '{{ m.meter("Left", 3, 10) }}{{ m.meter("Left", 3, 10, "three", tone="bad") }}',
    "confirm": '{% call m.confirm("/end", "End it", errors=errors) %}<p>Effect.</p>{% endcall %}',
    "chip": '{{ m.chip("Tourism", "/?s=t", 12, current=True) }}',
}


@pytest.fixture
def app_alone(tmp_path: Path, sqlite_template: Path) -> Iterator[Flask]:
    """The application on one database: what a page looks like does not depend on which."""
    shutil.copy(sqlite_template, tmp_path / "exchange.sqlite")
    url = f"sqlite:///{tmp_path / 'exchange.sqlite'}"
    application = create_app(Config.from_environ({"MINHBACH_HOME": str(tmp_path), "MINHBACH_DATABASE_URL": url}))
    application.testing = True
    yield application
    application.extensions["minhbach.database"].dispose()


@pytest.fixture
def visitor(app_alone: Flask) -> FlaskClient:
    """A browser nobody is signed in to."""
    return app_alone.test_client()


def render(app: Flask, source: str, path: str = "/list?sort=name&page=2&lang=en", **facts: Any) -> str:
    with app.test_request_context(path):
        return render_template_string('{% import "_macros.html" as m %}' + source, **facts)


def test_the_list_of_macros_is_complete() -> None:
    names = re.findall(r"{% macro ([a-z]\w*)\(", (TEMPLATES / "_macros.html").read_text())
    assert sorted(names) == sorted(MACROS)


def test_every_macro_says_what_it_is() -> None:
    lines = (TEMPLATES / "_macros.html").read_text().splitlines()
    bare = [line for before, line in pairwise(lines) if line.startswith("{% macro") and not before.endswith("#}")]
    assert bare == []


@pytest.mark.parametrize("name", MACROS)
def test_every_macro_renders_and_escapes(app_alone: Flask, name: str) -> None:
    html = render(app_alone, MACROS[name], errors=[ERROR], now=NOW)
    assert html.strip()
    assert "<high>" not in html
    assert "</textarea><b>" not in html
    assert " style=" not in html
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    for reference in re.findall(r'(?:aria-describedby|aria-labelledby|for|list)="([^"]+)"', html):
        assert set(reference.split()) <= set(ids), reference


def test_a_field_is_tied_to_its_label_hint_and_error(app_alone: Flask) -> None:
    html = render(app_alone, MACROS["field"], errors=[ERROR])
    assert '<label for="f-price">' in html
    assert 'aria-describedby="f-price-hint f-price-error"' in html
    assert 'aria-invalid="true" required' in html
    assert "Too &lt;high&gt; At most 8." in re.sub(r"\s+", " ", re.sub("<[^>]*>", "", html))


def test_a_field_without_errors_makes_no_claim(app_alone: Flask) -> None:
    html = render(app_alone, '{{ m.field("other", "Other", errors=errors) }}', errors=[ERROR])
    assert "aria-invalid" not in html
    assert "aria-describedby" not in html
    assert "(optional)" in html


def test_a_password_is_never_typed_back(app_alone: Flask) -> None:
    assert "secret" not in render(app_alone, '{{ m.field("p", "Password", "secret", type="password") }}')


def test_the_error_summary_leads_to_the_field(app_alone: Flask) -> None:
    html = render(app_alone, "{{ m.error_summary(errors) }}", errors=[ERROR])
    assert 'href="#f-price"' in html
    assert 'tabindex="-1"' in html
    assert render(app_alone, "{{ m.error_summary([]) }}").strip() == ""


def test_the_chosen_options_are_marked(app_alone: Flask) -> None:
    assert '<option value="2" selected>' in render(app_alone, MACROS["select"])
    assert len(re.findall(" checked", render(app_alone, MACROS["checkboxes"]))) == 2
    assert len(re.findall(" checked", render(app_alone, MACROS["radios"]))) == 1


def test_sorting_and_paging_keep_the_rest_of_the_address(app_alone: Flask) -> None:
    sorting = render(app_alone, MACROS["sort_th"], "/list?sort=name&q=lúa&page=4")
    assert 'aria-sort="ascending"' in sorting
    assert 'href="/list?q=l%C3%BAa&amp;sort=-name"' in sorting
    paging = render(app_alone, MACROS["pagination"], "/list?q=a&page=2&lang=en")
    assert 'href="/list?q=a&amp;lang=en&amp;page=1"' in paging
    assert 'href="/list?q=a&amp;lang=en&amp;page=3"' in paging


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/about?q=1&q=2", "/about?q=1&q=2&lang=en"),
        ("/about?lang=vi", "/about?lang=en"),
        ("/nowhere", "/nowhere?lang=en"),
    ],
)
def test_switching_the_language_keeps_the_page(app_alone: Flask, path: str, expected: str) -> None:
    with app_alone.test_request_context(path, base_url="http://localhost"):
        assert home.here(lang="en") == expected


def test_no_address_leads_to_another_host(app_alone: Flask) -> None:
    with app_alone.test_request_context("/", environ_overrides={"PATH_INFO": "//evil.example/x"}):
        assert home.here(lang="en") == "/evil.example/x?lang=en"


def test_switching_the_language_of_the_answer_to_a_post_leads_home(app_alone: Flask) -> None:
    app_alone.add_url_rule("/only-post", "only_post", public(lambda: ""), methods=["POST"])
    with app_alone.test_request_context("/only-post", method="POST"):
        assert home.here(lang="en") == "/?lang=en"


def test_navigation_shows_what_the_reader_may_use(app_alone: Flask) -> None:
    for _label, endpoint, _permissions in home._NAVIGATION:
        if endpoint not in app_alone.view_functions:
            app_alone.add_url_rule(f"/test/{endpoint}", endpoint, public(lambda: ""))

    def labels(kind: OrgKind, *roles: Role) -> list[str]:
        with app_alone.test_request_context("/?lang=en"):
            someone = Actor(user_id="u", org_id="o", kind=kind, roles=frozenset(roles))
            return [item.label for item in home._navigation(someone)]

    assert labels(OrgKind.MEMBER, Role.OWNER) == ["Catalogue", "Publish", "Requests & contracts", "Trial"]
    assert labels(OrgKind.MEMBER, Role.PUBLISHER) == ["Catalogue", "Publish", "Requests & contracts"]
    assert labels(OrgKind.MEMBER, Role.FINANCE) == ["Catalogue"]
    assert labels(OrgKind.OPERATOR, Role.OWNER) == ["Catalogue", "Trial", "Moderation"]
    assert labels(OrgKind.REGULATOR, Role.ANALYST) == ["Catalogue", "Regulator desk"]
    with app_alone.test_request_context("/?lang=en"):
        assert [item.label for item in home._navigation(None)] == ["Catalogue"]


def test_the_frame_names_who_is_signed_in(app: Flask, people: People) -> None:
    provider = people.provider()
    html = people.browser(provider).get("/about").text
    if "accounts.me" in app.view_functions:
        assert provider.name in html
    assert "Minh Bạch" in html


@pytest.mark.parametrize("path", ["/about", "/privacy", "/accessibility"])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_pages_about_the_exchange(visitor: FlaskClient, path: str, lang: str) -> None:
    answer = visitor.get(f"{path}?lang={lang}")
    assert answer.status_code == 200
    assert f'<html lang="{lang}">' in answer.text
    assert answer.text.count("<h1>") == 1
    assert "Sàn đang thử nghiệm có kiểm soát." in answer.text or lang == "en"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 416, 422, 429, 500, 503])
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_error_page_says_what_to_do_next(app_alone: Flask, status: int, lang: str) -> None:
    app_alone.testing = False
    app_alone.add_url_rule("/test/fail", "fail", public(lambda: abort(status)))
    answer = app_alone.test_client().get(f"/test/fail?lang={lang}")
    assert answer.status_code == status
    assert f'<html lang="{lang}">' in answer.text
    steps = answer.text.split("<h2>")[1]
    assert re.search(r"<li>[^<]{20,}</li>", steps)
    assert answer.headers["X-Request-Id"] in answer.text


def test_a_refusal_page_teaches(app_alone: Flask) -> None:
    refusal = Refusal(
        "TRIAL_CAP_EXCEEDED", en="Above the cap.", vi="Vượt hạn mức.", basis="T9", value="9", passes_en="At most 8.",
        passes_vi="Tối đa 8.",
    )  # fmt: skip

    def view() -> str:
        raise Refused(refusal, status=409)

    app_alone.add_url_rule("/test/refused", "refused", public(view))
    html = app_alone.test_client().get("/test/refused?lang=vi").text
    assert all(word in html for word in ("Vượt hạn mức.", "Tối đa 8.", "T9", "TRIAL_CAP_EXCEEDED", "<code>9</code>"))


def test_an_error_page_is_shown_even_without_a_database(app_alone: Flask, tmp_path: Path) -> None:
    app_alone.testing = False
    client = app_alone.test_client()
    with client.session_transaction() as cookie:
        cookie["sign_in"] = "anything"
    app_alone.extensions["minhbach.database"].dispose()
    (tmp_path / "exchange.sqlite").unlink()
    assert client.get("/nowhere").status_code == 404


def test_csrf_field_carries_the_token(app_alone: Flask) -> None:
    with app_alone.test_request_context("/"):
        field = home.csrf_field()
    assert isinstance(field, Markup)
    assert re.fullmatch(r'<input type="hidden" name="csrf_token" value="[\w.-]{40,}">', field)


def test_fonts_are_served_to_be_kept(visitor: FlaskClient) -> None:
    for name in ("regular", "semibold", "italic"):
        answer = visitor.get(f"/fonts/{name}.ttf", headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.mimetype == "font/ttf"
        assert answer.content_encoding == "gzip"
        assert answer.cache_control.public
        assert answer.cache_control.max_age == 30 * 24 * 3600
        assert len(answer.data) < 60_000
        again = visitor.get(
            f"/fonts/{name}.ttf", headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]}
        )
        assert again.status_code == 304
    plain = visitor.get("/fonts/regular.ttf", headers={"Accept-Encoding": "identity"})
    assert plain.content_encoding is None
    assert plain.data[:4] == b"\x00\x01\x00\x00"
    assert visitor.get("/fonts/..%2Fx.ttf").status_code == 404


def test_the_stylesheet_asks_only_for_fonts_that_are_served(visitor: FlaskClient) -> None:
    css = visitor.get("/static/style.css", buffered=True).text
    files = re.findall(r"url\(\"\.\./(fonts/[^\"]+)\"\)", css)
    assert len(files) == 3
    assert all(visitor.get(f"/{file}").status_code == 200 for file in files)
    assert "http" not in re.sub(r'href\^="http"', "", css)


def test_health(app: Flask, client: FlaskClient) -> None:
    assert client.get("/healthz").text == "ok\n"
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (200, {"database": "ok", "store": "ok", "log": "ok"})
    client.get("/about")
    text = client.get("/metrics").text
    assert 'minhbach_requests_total{endpoint="home.about",status="200"} 1.0' in text


def test_not_ready_without_a_database(visitor: FlaskClient, app_alone: Flask, tmp_path: Path) -> None:
    app_alone.extensions["minhbach.database"].dispose()
    (tmp_path / "exchange.sqlite").unlink()
    (tmp_path / "exchange.sqlite").mkdir()
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["database"] == "failing"
    assert visitor.get("/healthz").status_code == 200


def test_not_ready_without_a_place_for_files(visitor: FlaskClient, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "store", ignore_errors=True)
    (tmp_path / "store").write_text("a file where a folder should be")
    answer = visitor.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"database": "ok", "store": "failing", "log": "ok"})


def test_not_ready_while_the_log_fails(visitor: FlaskClient, app_alone: Flask) -> None:
    class Stuck:
        healthy = False

    app_alone.extensions["minhbach.sequencer"] = Stuck()
    assert visitor.get("/readyz").status_code == 503


def templates() -> list[Path]:
    return sorted(TEMPLATES.rglob("*.html"))


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_templates_obey_the_content_security_policy(path: Path) -> None:
    source = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"\sstyle\s*=", source), "style attributes do nothing under our policy: use a class"
    assert not re.search(r"<style\b", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source), "inline script does not run: make a module in static/"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", source), "event attributes do not run: use a module"
    assert not re.search(r"""(?:src|href)=["']https?://[^"']+\.(?:js|css|woff2?|ttf)""", source)
    assert not re.search(r"\|\s*safe\b", source), "let the code hand over Markup, where its origin can be seen"


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_every_posting_form_carries_its_token(path: Path) -> None:
    for form in re.findall(r"<form\b[^>]*method=[\"']post[\"'].*?</form>", path.read_text(), flags=re.DOTALL | re.I):
        assert "csrf_field()" in form, form[:120]
