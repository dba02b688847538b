"""What the libraries would work out again for each of thousands of applications, though it comes out the same.

Every test has an application of its own, wired by ``create_app`` like a real one. Compiling the templates and the
routes and writing the API's document takes four fifths of that; here the first application in a process does it for
the next, and the document is written when somebody asks for it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from flask import Flask, Response
from flask_smorest import Api, Blueprint
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class KnownTemplates(BytecodeCache):
    """Templates as compiled before, for as long as their text is the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was compiled of this text, if anything was."""
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Remember it."""
        self._known[bucket.key, bucket.checksum] = bucket.code


class KnownRule(Rule):
    """A route that takes over what the same route of an earlier application was compiled to."""

    _known: ClassVar[dict[tuple[object, ...], dict[str, Any]]] = {}
    _COMPILED = ("arguments", "_parts", "_trace", "_converters", "_build", "_build_unknown")

    def compile(self) -> None:
        """As Rule does; the converters and builders that it makes depend on the route's text and defaults alone."""
        route = (self.rule, self.subdomain, self.host, repr(self.defaults), self.merge_slashes, self.strict_slashes)
        if route not in self._known:
            super().compile()
            self._known[route] = {name: getattr(self, name) for name in self._COMPILED}
        vars(self).update(self._known[route])


def _later(method: Callable[..., None], api_at: int) -> Callable[..., None]:
    def wait(*given: Any, **named: Any) -> None:
        vars(given[api_at]).setdefault("waiting", []).append(partial(method, *given, **named))

    return wait


def _written(tell: Callable[[Api], Response]) -> Callable[[Api], Response]:
    def write_and_tell(api: Api) -> Response:
        for write in vars(api).pop("waiting", ()):
            write()
        return tell(api)

    return write_and_tell


def spare_the_work() -> None:
    """For every application of this process from now on."""
    Flask.jinja_options = {"bytecode_cache": KnownTemplates()}
    Flask.url_rule_class = KnownRule
    for part in ("_register_responses", "_register_etag_headers", "_register_pagination_header"):
        setattr(Api, part, _later(getattr(Api, part), 0))
    Blueprint.register_views_in_doc = _later(Blueprint.register_views_in_doc, 1)
    Api._openapi_json = _written(Api._openapi_json)
