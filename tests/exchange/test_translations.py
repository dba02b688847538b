"""Two languages, both complete: every English sentence has its Vietnamese one, and none is left over."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import exchange
from exchange.i18n import load

HOME = Path(exchange.__file__).parent
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
VIETNAMESE_ONLY = re.compile("[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", re.IGNORECASE)


@cache
def sentences() -> dict[str, str]:
    """Every sentence marked for translation, with the place of its first use."""
    options = {"templates/**.html": {"silent": "false"}}
    found: dict[str, str] = {}
    for file, line, message, _comments, _context in extract_from_dir(HOME, METHODS, options, KEYWORDS):
        for sentence in (message,) if isinstance(message, str) else message:
            found.setdefault(sentence, f"{file}:{line}")
    return found


def translations() -> Iterator[tuple[str, Message]]:
    """Every entry of every .po file, with the file's name."""
    for path in sorted((HOME / "translations" / "vi").glob("*.po")):
        with path.open("rb") as file:
            for entry in read_po(file, locale="vi", abort_invalid=True):
                if entry.id:
                    yield path.name, entry


def one(text: object) -> str:
    """A message's single form; Vietnamese has no plural."""
    return str(text[0] if isinstance(text, (tuple, list)) else text)


def test_every_sentence_has_its_vietnamese() -> None:
    catalogue = {one(entry.id): one(entry.string) for _file, entry in translations()}
    missing = [f"{place}: {text!r}" for text, place in sentences().items() if not catalogue.get(text, "").strip()]
    assert not missing, f"{len(missing)} sentences without Vietnamese:\n" + "\n".join(sorted(missing))


def test_no_translation_is_left_over() -> None:
    used = sentences()
    unused = [f"{file}: {one(entry.id)!r}" for file, entry in translations() if one(entry.id) not in used]
    assert not unused, "translations nobody uses:\n" + "\n".join(unused)


def test_placeholders_are_the_same_in_both_languages() -> None:
    differing = [
        f"{file}: {one(entry.id)!r}"
        for file, entry in translations()
        if set(PLACEHOLDER.findall(one(entry.id))) != set(PLACEHOLDER.findall(one(entry.string)))
    ]
    assert not differing, "\n".join(differing)


def test_percent_signs_are_placeholders_only() -> None:
    """Templates always interpolate, code only when given facts: a bare % would break one or show twice in the other."""
    texts = [*sentences(), *(one(entry.string) for _file, entry in translations())]
    assert [text for text in texts if "%" in PLACEHOLDER.sub("", text)] == []


def test_a_sentence_is_translated_one_way() -> None:
    seen: dict[str, tuple[str, str]] = {}
    for file, entry in translations():
        before = seen.setdefault(one(entry.id), (file, one(entry.string)))
        assert before[1] == one(entry.string), f"{one(entry.id)!r} differs between {before[0]} and {file}"


def test_no_entry_is_marked_as_guessed() -> None:
    """A .po entry flagged fuzzy would be dropped at start and its reader get English."""
    assert [f"{file}: {one(entry.id)!r}" for file, entry in translations() if entry.fuzzy] == []


def test_english_sentences_are_english() -> None:
    """A msgid in Vietnamese would be shown to readers of English. Names and quoted law keep their letters."""
    names = re.compile("Minh Bạch|đồng|QĐ-TTg|NĐ-CP|BLĐTBXH|[«“][^»”]*[»”]")
    assert [t for t in sentences() if VIETNAMESE_ONLY.search(names.sub("", t))] == []


@pytest.mark.parametrize("text", ["Sign in", "This page does not exist, or you may not see it."])
def test_the_catalogue_is_what_pages_use(text: str) -> None:
    assert load("vi").gettext(text) != text
    assert load("en").gettext(text) == text
