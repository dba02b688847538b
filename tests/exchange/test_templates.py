"""The pieces of pages (macros), and what every template must and must not contain."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string

import exchange
from tests.exchange.conftest import NOW

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
    "moment": "{{ m.moment(now) }}{{ m.moment(none) }}{{ m.moment(now, 'day') }}{{ m.moment(now, 'minute') }}",
    "timeline": '{{ m.timeline([{"title": "A", "at": now, "who": "B", "text": "C", "href": "/", "tone": "bad"}]) }}',
    "table_box": '{% call m.table_box("Columns", data=True) %}<tbody><tr><td>1</td></tr></tbody>{% endcall %}',
    "sort_th": '<table><tr>{{ m.sort_th("Name", "name") }}</tr></table>',
    "pagination": '{{ m.pagination(page=2, pages=3, total=25) }}{{ m.pagination(next="/n") }}',
    "button": '{{ m.button("Send") }}{{ m.button("Go", "secondary", href="/") }}',
    "post_button": '{{ m.post_button("/x", "Send", hidden={"a": "b"}) }}',
    "empty": '{{ m.empty("Nothing", "Soon.", "Begin", "/") }}',
    "notice": '{{ m.notice("Text", "wait", title="T", live=True) }}{% call m.notice() %}<p>x</p>{% endcall %}',
    "refusal": '{{ m.refusal(errors[0], "Change", "/c", title="Refused") }}',
    "copy_button": '{{ m.copy_button("SELECT 1", "Copy the question") }}',
    "copyable": '{{ m.copyable("0123456789abcdef0123") }}{{ m.copyable("short") }}',
    "steps": '{{ m.steps([("One", "/1"), ("Two", "/2"), ("Three", none)], 2) }}',
    "tabs": '{{ m.tabs([("a", "A", "/a"), ("b", "B", "/b", 3)], "b") }}',
    "meter": '{{ m.meter("Left", 3, 10) }}{{ m.meter("Left", 3, 10, "three", tone="bad", live="left") }}',
    "confirm": '{% call m.confirm("/end", "End it", errors=errors) %}<p>Effect.</p>{% endcall %}',
    "chip": '{{ m.chip("Tourism", "/?s=t", 12, current=True) }}',
}


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
