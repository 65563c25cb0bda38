"""The files of the console, by their names: nothing else can be asked for."""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "console"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

# No script and no style but those files, nobody else's page around it, nothing sent anywhere else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)


class Asset(NamedTuple):
    """One file."""

    octets: bytes
    content_type: str
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """Every file; the page itself goes by the empty name too."""
    found: dict[str, Asset] = {}
    for path in FOLDER.iterdir():
        octets = path.read_bytes()
        etag = f'"{hashlib.sha256(octets).hexdigest()[:32]}"'
        found[path.name] = Asset(octets, _TYPES[path.suffix], etag)
    found[""] = found["index.html"]
    return found
