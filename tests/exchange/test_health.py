"""Whether the exchange says truthfully that it is well; its fonts and stylesheet."""

import re
import shutil
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient


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
    assert (ready.status_code, ready.json) == (200, {"database": "ok", "store": "ok", "log": "ok", "notices": "ok"})
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
    standing = {"database": "ok", "store": "failing", "log": "ok", "notices": "ok"}
    assert (answer.status_code, answer.json) == (503, standing)


def test_not_ready_while_the_log_fails(visitor: FlaskClient, app_alone: Flask) -> None:
    class Stuck:
        healthy = False

    app_alone.extensions["minhbach.sequencer"] = Stuck()
    assert visitor.get("/readyz").status_code == 503
