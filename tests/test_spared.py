"""What tests/spared.py keeps from one application for the next is what the next would have made."""

import json
import subprocess
import sys
from pathlib import Path

from exchange.app import create_app
from exchange.config import Config
from tests.exchange.test_doors import doors
from tests.project import ROOT

ALONE = """
import sys
from pathlib import Path
from tests.test_spared import facts
print(facts(Path(sys.argv[1])))
"""


def facts(home: Path) -> str:
    """The document of a new application's API, how each of its addresses is built and read, a page: as JSON."""
    environ = {"MINHBACH_HOME": str(home), "MINHBACH_DATABASE_URL": f"sqlite:///{home / 'exchange.sqlite'}"}
    app = create_app(Config.from_environ(environ))
    urls = app.url_map.bind("localhost")
    addresses = [
        (method, address, repr(urls.match(address, method=method))) for method, _name, address, _needed in doors(app)
    ]
    client = app.test_client()
    pages = [
        sorted(line.strip(" ,") for line in client.get(path).text.splitlines())  # a set's order differs by process
        for path in ("/api/openapi.json", "/about?lang=vi")
    ]
    app.extensions["minhbach.database"].dispose()
    return json.dumps([sorted(addresses), *pages])


def test_a_later_application_is_like_one_made_from_nothing(tmp_path: Path) -> None:
    for name in ("alone", "first", "second"):
        (tmp_path / name).mkdir()
    alone = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path / "alone")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    facts(tmp_path / "first")
    assert json.loads(facts(tmp_path / "second")) == json.loads(alone.stdout.splitlines()[-1])
