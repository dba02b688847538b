"""The project's own files, as the tests that watch over the project see them."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def project_files() -> list[Path]:
    """Everything that is committed or would be: tracked files and new ones that nothing ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = {ROOT / name for name in listed.stdout.split("\0") if name}
    return sorted(path for path in found if path.is_file())


def name_of(path: Path) -> str:
    """The path inside the project, as messages show it."""
    return path.relative_to(ROOT).as_posix()
