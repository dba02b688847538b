"""The witness over HTTP: three addresses, nothing to sign in to, no page to style."""

from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, abort, request
from gunicorn.app.base import BaseApplication

from contracts.errors import WitnessError
from contracts.evidence_words import explain
from contracts.log import checkpoint, witness
from exchange import clock
from exchange.witness.book import Book, log_id

_NEVER = ("chưa có", "none yet")
_FORKED = (
    "NHẬT KÝ ĐÃ RẼ NHÁNH: có hai mã băm gốc cho cùng một kích thước; bằng chứng nằm trong thư mục của bên chứng kiến",
    "THE LOG HAS FORKED: two roots for one size; the evidence is in the witness's folder",
)


def create_app(book: Book) -> Flask:
    """The application of one witness."""
    app = Flask("witness", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=witness.MAX_REQUEST)

    @app.post("/add-checkpoint")
    def add_checkpoint() -> Response:
        """C2SP tlog-witness, section "add-checkpoint"."""
        try:
            return _text(book.cosign(request.get_data(cache=False), int(clock.now().timestamp())))
        except WitnessError as refused:
            return _refusal(refused)

    @app.get("/<id>/checkpoint")
    def newest(id: str) -> Response:
        """The newest head that this witness cosigned, by the SHA-256 of the log's origin."""
        note = book.newest(id)
        if note is None:
            abort(404)
        return _text(note)

    @app.get("/")
    def front() -> Response:
        """Whose witness this is and what it has seen, for people."""
        return _text("\n".join(_front(book)) + "\n")

    return app


class Server(BaseApplication):
    """gunicorn for one witness: processes and threads share only the book's file."""

    def __init__(self, book: Book, bind: str, workers: int, threads: int) -> None:
        self._app = create_app(book)
        self._options: dict[str, Any] = {
            "bind": bind, "workers": workers, "threads": threads, "worker_class": "gthread", "timeout": 30,
            "graceful_timeout": 10, "keepalive": 30, "accesslog": None, "loglevel": "warning",
        }  # fmt: skip
        super().__init__()

    def load_config(self) -> None:
        """Hand our options to gunicorn."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Called in each worker after the fork."""
        return self._app


def _refusal(refused: WitnessError) -> Response:
    status = witness.STATUSES[refused.code]
    if status == 409:
        return Response(f"{refused.facts['size']}\n", status, content_type=witness.SIZE_TYPE)
    return _text(explain(refused, "en") + "\n", status)


def _text(body: str, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(body, status, headers=headers, content_type="text/plain; charset=utf-8")


def _front(book: Book) -> list[str]:
    lines = [
        f"Bên chứng kiến nhật ký / Witness of transparency logs: {book.name}",
        f"Khóa công khai / public key: {checkpoint.format_vkey(book.key)}",
        "Giao thức / protocol: C2SP tlog-witness (POST /add-checkpoint)",
    ]
    for log in book.logs():
        moments = _NEVER if log.time is None else (datetime.fromtimestamp(log.time, UTC).isoformat(),) * 2
        lines += [
            "",
            f"Nhật ký / log: {log.origin}",
            f"  số bản ghi / records: {log.size}",
            f"  ký chứng kiến lúc / cosigned at: {' / '.join(dict.fromkeys(moments))}",
            f"  mốc mới nhất / newest head: /{log_id(log.origin)}/checkpoint",
        ]
        lines += [f"  {text}" for text in _FORKED] if log.forked else []
    return lines
