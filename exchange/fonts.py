"""Be Vietnam Pro for the pages, straight from its package (Open Font Licence 1.1), compressed once per process."""

import gzip
from functools import cache
from hashlib import sha256

import fontpkg_be_vietnam_pro  # type: ignore[import-untyped]
from flask import Blueprint, Response, request

from exchange.errors import NotFound
from exchange.permissions import public

blueprint = Blueprint("fonts", __name__)
FACES = {"regular": "Regular", "semibold": "SemiBold", "italic": "Italic"}
_MONTH = 30 * 24 * 3600  # seconds; afterwards the browser asks again with the ETag


@cache
def _face(name: str) -> tuple[bytes, bytes, str]:
    """One face: its bytes, the same gzipped (133 kB become 52 kB), its digest."""
    plain = (fontpkg_be_vietnam_pro.ROOT / "files" / f"BeVietnamPro-{FACES[name]}.ttf").read_bytes()
    return plain, gzip.compress(plain, 9, mtime=0), sha256(plain).hexdigest()[:32]


@blueprint.get("/fonts/<name>.ttf")
@public
def font(name: str) -> Response:
    """One face of the type family."""
    if name not in FACES:
        raise NotFound(f"font:{name}")
    plain, zipped, digest = _face(name)
    packed = request.accept_encodings["gzip"] > 0
    response = Response(zipped if packed else plain, mimetype="font/ttf")
    if packed:
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(f"{digest}-gz" if packed else digest)
    response.cache_control.public = True
    response.cache_control.max_age = _MONTH
    response.make_conditional(request)
    return response
