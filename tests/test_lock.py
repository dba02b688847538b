"""requirements.lock decides every version, by hash, on any machine, and says the same as pyproject.toml."""

import platform
import re
import tomllib
from importlib.metadata import version

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.project import ROOT

LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = re.findall(r"^([a-z0-9][^\\\n]*?) \\\n((?:    --hash=\S+(?: \\)?\n)+)", LOCK, re.MULTILINE)
PYTHONS = ["3.11", "3.12", "3.13"]


NOT_LOCKED = {"spark"}  # half a gigabyte that few need: decision 0026


def wanted() -> list[Requirement]:
    """Everything pyproject.toml asks for: to run, for the demo, to develop."""
    project = PROJECT["project"]
    lines = [*project["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    extras = project.get("optional-dependencies", {})
    lines += [line for name, extra in extras.items() if name not in NOT_LOCKED for line in extra]
    return [Requirement(line) for line in lines]


def locked(python: str) -> dict[str, str]:
    """What a machine with this Python gets: name to version."""
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.1"}
    requirements = [Requirement(line) for line, _ in PINS]
    return {
        canonicalize_name(one.name): next(iter(one.specifier)).version
        for one in requirements
        if one.marker is None or one.marker.evaluate({key: str(value) for key, value in environment.items()})
    }


def test_every_line_is_a_pin_with_hashes_or_a_comment() -> None:
    packages = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(packages) == len(PINS) > 50
    for line, hashes in PINS:
        requirement = Requirement(line)
        assert [one.operator for one in requirement.specifier] == ["=="], line
        assert requirement.url is None, line
        assert re.fullmatch(r"(\s+--hash=sha256:[0-9a-f]{64}( \\)?\n)+", hashes), line


def test_it_names_no_host_and_no_folder() -> None:
    assert not re.search(r"://|--(?!hash)", LOCK.split("\n", 2)[2])
    assert not re.search(r"(^|[\s=])/\w", LOCK), "a path of the machine that made it"


@pytest.mark.parametrize("python", PYTHONS)
def test_what_the_project_asks_for_is_in_it(python: str) -> None:
    versions = locked(python)
    missing = [
        f"{requirement} (locked: {versions.get(canonicalize_name(requirement.name))})"
        for requirement in wanted()
        if not requirement.specifier.contains(versions.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]
    assert not missing, f"run scripts/lock: {missing}"


def test_what_is_installed_is_what_it_says() -> None:
    """Run from any other environment, the suite would prove something about other versions."""
    pins = locked(".".join(platform.python_version_tuple()[:2]))
    assert not {name for name, pin in pins.items() if Version(version(name)) != Version(pin)}
