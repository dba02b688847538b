"""scripts/_env says plainly what a machine lacks. Making an environment for real is what CI does at every run."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.project import ROOT

TOOLS = ["bash", "cat", "cksum", "dirname", "flock"]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder of programs that is the whole PATH, beside a project without an environment."""
    (tmp_path / "a project/scripts").mkdir(parents=True)
    for name in ["scripts/_env", "pyproject.toml", "requirements.lock"]:
        shutil.copy(ROOT / name, tmp_path / "a project" / name)
    programs = tmp_path / "bin"
    programs.mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (programs / tool).symlink_to(found)
    return programs


def install(machine: Path, name: str, script: str) -> None:
    """Put a program on that machine."""
    (machine / name).write_text(f"#!{shutil.which('bash')}\n{script}\n")
    (machine / name).chmod(0o755)


def refusal(machine: Path) -> str:
    """What scripts/_env says when it gives up there; it leaves no environment behind that looks whole."""
    project = machine.parent / "a project"
    bash = shutil.which("bash") or "bash"
    ran = subprocess.run(
        [bash, project / "scripts/_env"], env={"PATH": str(machine)}, capture_output=True, text=True, timeout=30
    )
    assert ran.returncode == 1
    assert not (project / ".venv/packages").exists()
    return ran.stderr


def test_no_python(machine: Path) -> None:
    assert refusal(machine) == "Python 3.11 or newer is needed; python3 here is: none\n"


def test_an_old_python(machine: Path) -> None:
    install(machine, "python3", 'if [ "$1" = --version ]; then echo "Python 3.9.2"; else exit 1; fi')
    assert "python3 here is: Python 3.9.2" in refusal(machine)


def test_a_python_that_cannot_make_environments(machine: Path) -> None:
    install(machine, "python3.11", 'case "$*" in *ensurepip*) exit 1 ;; *) echo "Python 3.11.2" ;; esac')
    assert "apt-get install python3-venv" in refusal(machine)


@pytest.mark.parametrize(
    "script",
    [
        "scripts/_env",
        "scripts/serve",
        "scripts/check",
        "scripts/lock",
        "scripts/crash",
        "scripts/inference_game",
        "scripts/inference_search",
        ".ci/run",
    ],
)
def test_scripts_parse(script: str) -> None:
    subprocess.run(["bash", "-n", ROOT / script], check=True)
