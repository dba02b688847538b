"""The project's habits, checked by machine. Each message names the file, the line and the rule."""

import ast
import re
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.project import ROOT, name_of, project_files

PACKAGES = ("contracts", "sandbox", "exchange")
CODE = (*PACKAGES, "scripts")
LONGEST_FILE = 600
LONGER_BY_DESIGN = {"contracts/verify.py": 1110}  # the checker that a regulator gets as one file: decision 0005
LONGEST_FUNCTION = 60
LARGEST_FILE = 1_000_000

# Where catching everything is right: the outermost edge, where an error becomes an answer and the process must go on.
CATCHES_EVERYTHING = {
    "exchange/error_pages.py": "turns an unforeseen error into a page or JSON, and logs it",
    "sandbox/worker.py": "the confined process answers, whatever the query did to it",
}
READS_THE_CLOCK = {
    "exchange/clock.py": "is the clock",
    "sandbox/__main__.py": "is a door: a policy whose time is over answers nothing",
    "exchange/db.py": "identifiers sort by the time they were made; nothing reads that time back",
}


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    return tuple(path for path in project_files() if not suffixes or path.suffix in suffixes)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def is_text(path: Path) -> bool:
    try:
        return "\0" not in text_of(path)
    except UnicodeDecodeError:
        return False


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path), filename=str(path))


def is_python(path: Path) -> bool:
    return path.suffix == ".py" or (
        path.suffix == "" and is_text(path) and text_of(path).startswith("#!/usr/bin/env python")
    )


def python(*folders: str) -> list[Path]:
    return [path for path in files() if name_of(path).split("/")[0] in folders and is_python(path)]


def matches(pattern: str, paths: list[Path] | tuple[Path, ...]) -> list[str]:
    """``file:line: text`` of every line that the pattern finds."""
    compiled = re.compile(pattern)
    return [
        f"{name_of(path)}:{number}: {line.strip()[:100]}"
        for path in paths
        if is_text(path)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if compiled.search(line)
    ]


def nothing(found: list[str], rule: str) -> None:
    assert not found, f"{rule}\n  " + "\n  ".join(found)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def called(node: ast.AST) -> str:
    """The dotted name of what a call calls: ``datetime.now`` of ``datetime.now(UTC)``."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def test_the_rules_see_the_project() -> None:
    assert len(python(*PACKAGES)) > 20
    assert ROOT / "pyproject.toml" in files()


def test_files_are_short_enough_to_read() -> None:
    long = [
        f"{name_of(path)}: {count} lines"
        for path in files(".py", ".html", ".css", ".js", ".md", "")
        if is_text(path)
        and (count := len(text_of(path).splitlines())) > LONGER_BY_DESIGN.get(name_of(path), LONGEST_FILE)
    ]
    nothing(long, f"a file has at most {LONGEST_FILE} lines; split it by what a reader looks for")


def test_functions_are_short_enough_to_read() -> None:
    long = [
        f"{name_of(path)}:{function.lineno}: {function.name}, {length} lines"
        for path in python(*CODE)
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > LONGEST_FUNCTION
    ]
    nothing(long, f"a function has at most {LONGEST_FUNCTION} lines; it does one verb")


def test_scripts_fit_one_screen_and_can_be_run() -> None:
    wrong = [
        name_of(path)
        for path in files()
        if name_of(path).startswith(("scripts/", ".ci/"))
        if len(text_of(path).splitlines()) > 75 or not path.stat().st_mode & stat.S_IXUSR
    ]
    nothing(wrong, "a script is executable and has at most 75 lines")


def test_nothing_is_left_to_do() -> None:
    words = "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "NotImplemented" + "Error"])
    nothing(matches(rf"\b({words})\b", files()), "finish it, or leave it out and say so in the issue")


def test_only_an_edge_catches_everything() -> None:
    wide = {None, "Exception", "BaseException"}
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in python(*CODE)
        if name_of(path) not in CATCHES_EVERYTHING
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler)
        and not passes_on(node)
        and wide & {name.strip() for name in (ast.unparse(node.type).strip("()").split(",") if node.type else [None])}
    ]
    nothing(found, "name the errors that are expected here; only an edge catches all (CATCHES_EVERYTHING)")


def passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it only tidies up: its last word is a bare ``raise``."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_type_complaints_are_silenced_by_code() -> None:
    found = matches(r"#\s*type:\s*ignore(?!\[)", files(".py"))
    nothing(found, "write `type: ignore[code]`, so that a new complaint shows")
    nothing(matches(r"#\s*noqa(?!:\s*[A-Z]+\d+)", files(".py")), "write `noqa: CODE`, so that a new complaint shows")


def test_every_skipped_test_says_why() -> None:
    found = []
    for path in python("tests"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "pytest.mark.skip":
                found.append(f"{name_of(path)}:{node.lineno}: pytest.mark.skip; delete the test or mend it")
            given = isinstance(node, ast.Call) and bool(node.args or node.keywords)
            if called(node) == "pytest.skip" and not given:
                found.append(f"{name_of(path)}:{node.lineno}")
            if called(node) in {"pytest.mark.skipif", "pytest.mark.xfail"} and not has_reason(node):
                found.append(f"{name_of(path)}:{node.lineno}")
    nothing(found, "a test that is not run says why")


def has_reason(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and any(keyword.arg == "reason" for keyword in node.keywords)


def test_time_comes_from_the_clock() -> None:
    readers = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))$")
    found = [
        f"{name_of(path)}:{node.lineno}: {called(node)}"
        for path in python(*PACKAGES)
        if name_of(path) not in READS_THE_CLOCK
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and readers.search(called(node))
    ]
    nothing(found, "take `now` as an argument, or exchange.clock.now() at a door; time.perf_counter measures")


def test_pages_carry_no_inline_script_or_style() -> None:
    """The content-security policy refuses them, so they would silently not work."""
    pages = [path for path in files(".html", ".jinja", ".svg") if name_of(path).startswith("exchange/")]
    nothing(matches(r"(?i)<script(?![^>]*\ssrc=)", pages), "scripts are files of their own in static/")
    nothing(
        matches(r"(?i)\sstyle\s*=\s*[\"']|<style\b", [path for path in pages if path.suffix != ".svg"]), "styles too"
    )
    nothing(matches(r"(?i)\son[a-z]+\s*=\s*[\"']|href\s*=\s*[\"']javascript:", pages), "handlers are added by scripts")
    nothing(
        matches(r"(?i)(src|href)\s*=\s*[\"'](https?:)?//", [p for p in pages if p.suffix != ".svg"]),
        "serve it ourselves",
    )


def test_no_file_names_a_machine_or_a_registry() -> None:
    """A clone must work anywhere: what one workplace reaches and where it keeps things is not the project's."""
    hosts = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "npm" + "js.org",
        "npm" + "js.com",
        "crates" + r"\.io",
        "proxy." + "golang.org",
    ]
    hosts += ["deb." + "debian.org", "repo1." + "maven.org", "jsdelivr" + ".net", "unpkg" + ".com"]
    pattern = "|".join(hosts) + r"|/opt/whe" + r"els|--(extra-)?index-" + r"url\b|find-" + r"links"
    allowed = {"scripts/lock"}  # tells the tool to record no index
    nothing(matches(pattern, [path for path in files() if name_of(path) not in allowed]), "no registry hosts")
    paths = r"(?<![\w.<:-])/(ro" + r"ot|ho" + r"me/\w+|wo" + r"rk|Us" + r"ers/\w+)/[\w.]"
    nothing(matches(paths, files()), "no paths of one machine")


def test_committed_files_are_small_and_our_own() -> None:
    large = [f"{name_of(path)}: {size} bytes" for path in files() if (size := path.stat().st_size) > LARGEST_FILE]
    nothing(large, "large data come from a package or from the shared folder beside the project")
    minified = [
        f"{name_of(path)}"
        for path in files(".js", ".css")
        if max(map(len, text_of(path).splitlines()), default=0) > 500
    ]
    nothing(minified, "browser code is our own, readable; libraries come from the registry")


def undocumented(path: Path) -> Iterator[str]:
    """Public names without a docstring; a method of a derived class may rely on what its base says."""
    tree = tree_of(path)
    if tree.body and ast.get_docstring(tree) is None:
        yield f"{name_of(path)}:1: module"
    public = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    for scope in [tree, *(node for node in public if not node.bases)]:
        for node in scope.body:
            named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            if named and not node.name.startswith("_") and ast.get_docstring(node) is None:
                yield f"{name_of(path)}:{node.lineno}: {node.name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_public_says_what_it_means(package: str) -> None:
    migrations = "exchange/migrations/versions/"  # their functions are always upgrade and downgrade
    paths = [path for path in python(package) if not name_of(path).startswith(migrations)]
    nothing([line for path in paths for line in undocumented(path)], "a docstring: its meaning in one sentence")


def test_text_files_end_like_text_files() -> None:
    wrong = [
        name_of(path)
        for path in files()
        if is_text(path) and (text := text_of(path)) and (not text.endswith("\n") or "\r\n" in text or "\t\n" in text)
        if path.suffix not in {".csv", ".jsonl", ".txt", ".svg"}
    ]
    nothing(wrong, "UTF-8, line feeds, a line feed at the end (.editorconfig)")
