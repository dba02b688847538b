"""What the documents say is so: settings, commands, links and paths are compared with the code."""

import ast
import re
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from tests.project import ROOT, name_of, project_files

OPERATING = ROOT / "docs" / "operating.md"
DOCUMENTS = [path for path in project_files() if path.suffix == ".md"]
MADE_LATER = {".venv", "var"}  # folders that a command makes; nothing of them is committed


def settings_read() -> set[str]:
    """Every ``MINHBACH_*`` that stands as a string of its own in the code that runs."""
    found = set()
    for path in project_files():
        if path.suffix == ".py" and name_of(path).split("/")[0] in {"exchange", "sandbox", "contracts"}:
            strings = (node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant))
            found |= {text for text in strings if isinstance(text, str) and re.fullmatch(r"MINHBACH_[A-Z_]+", text)}
    return found


def first_column(heading: str) -> list[str]:
    """What stands as code in the first cell of each row of the tables under a heading of docs/operating.md."""
    section = re.split(r"^## ", OPERATING.read_text(), flags=re.MULTILINE)
    body = next(part for part in section if part.startswith(heading + "\n"))
    return re.findall(r"^\| `([^`]+)`", body, re.MULTILINE)


def commands(group: click.Group, words: str = "minhbach") -> dict[str, click.Command]:
    """Every command a person can give, in words: ``minhbach db upgrade``."""
    found = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{words} {name}")
        else:
            found[f"{words} {name}"] = command
    return found


def the_command() -> click.Group:
    from exchange.cli import main

    return main


def links(document: Path) -> list[str]:
    """Targets of links and pictures, code blocks left out."""
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    return re.findall(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)", re.sub(r"`[^`\n]*`", "", text))


def anchors(document: Path) -> set[str]:
    """How headings are addressed: lower case, hyphens, no punctuation."""
    headings = re.findall(r"^#+ (.+?)\s*$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_setting_is_documented_and_every_documented_setting_is_read() -> None:
    documented = first_column("Settings")
    assert len(documented) == len(set(documented))
    assert set(documented) == settings_read()


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    documented = first_column("Commands")
    assert len(documented) == len(set(documented))
    assert set(documented) == set(commands(the_command()))


def test_every_command_and_option_explains_itself() -> None:
    silent = []
    for words, command in commands(the_command()).items():
        silent += [] if command.help else [words]
        options = [one for one in command.params if isinstance(one, click.Option)]
        silent += [f"{words} {option.opts[0]}" for option in options if not option.help]
    assert not silent


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    broken = []
    for link in links(document):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = unquote(link).partition("#")
        path = (document.parent / target).resolve() if target else document
        inside = path.is_relative_to(ROOT) and path.exists()
        if not inside or (anchor and path.suffix == ".md" and anchor not in anchors(path)):
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_paths_and_scripts_that_are_named_exist(document: Path) -> None:
    """Code in backticks that looks like a path of ours; what a command makes later is left out."""
    ours = {path.name for path in ROOT.iterdir()} - MADE_LATER
    missing = []
    for code in re.findall(r"`([^`\n]+)`", document.read_text()):
        word = code.split()[0].rstrip(":,")
        if re.fullmatch(r"[\w.\-]+(/[\w.\-]+)*/?", word) and "/" in word and word.split("/")[0] in ours:
            missing += [] if (ROOT / word).exists() else [code]
    assert not missing


def test_documents_name_only_settings_that_exist() -> None:
    known = settings_read()
    unknown = [
        f"{name_of(document)}: {name}"
        for document in DOCUMENTS
        for name in re.findall(r"MINHBACH_[A-Z_]*[A-Z]", document.read_text())
        if name not in known
    ]
    assert not unknown
