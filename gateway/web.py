"""The web pages, out of Envoy's memory like the documentation: no other server, nothing from elsewhere.

What never changes under its name is kept by browsers for a year: all of it lies under one name that is made of all of
it (`/web/<hash>/...`), so that files which belong together are taken together, and modules name each other by plain
relative paths. A page itself (`/vendor/`, `/shopper/`) is asked for anew each time, and names what it is made of.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent / "web"
# Pages by name: what it is called on a home screen, Vietnamese, and how it looks (shared/app.css).
PAGES = {
    "vendor": ("Bán hàng", ""),
    "shopper": ("Ví Chợ", ""),
    "team": ("Mở quầy", ""),
    "bank": ("Quyết toán", "wide"),
    "ioc": ("Điều hành", "wide dark"),
}
# What the pages lean on, fetched by scripts/web.sh: read where a phone cannot read QR codes by itself.
LIBRARIES = {"library/jsqr.js": ROOT / "node_modules" / "jsqr" / "dist" / "jsQR.js"}
# Compressed, what a page's first load may cost, bytes.
FIRST_LOAD_BYTES_MAX = 150_000

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # blob: a QR code that the server drew.
        "img-src 'self' blob:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_AT_ONCE = re.compile(r"""^import\b[^;]*?from\s+"(\.[^"]+)";""", re.MULTILINE)
_LATER = re.compile(r"""\bimport\("(\.[^"]+)"\)""")


@dataclass(frozen=True, slots=True)
class File:
    """Something to serve: `kept` for ever, or asked for anew."""

    path: str
    kind: str
    body: bytes
    kept: bool


@cache
def files() -> tuple[File, ...]:
    """Everything that is served for the pages."""
    assets = _assets()
    name = _name(assets)
    served = [File(f"{name}/{path}", _TYPES[Path(path).suffix], body, kept=True) for path, body in assets.items()]
    for page in PAGES:
        served += [
            File(f"/{page}/", _TYPES[".html"], _page(page, name), kept=False),
            File(f"/{page}/manifest.webmanifest", _TYPES[".webmanifest"], _manifest(page, name), kept=False),
            File(f"/{page}/sw.js", _TYPES[".js"], _worker(page, name), kept=False),
        ]
    return tuple(served)


def web_routes() -> list[dict[str, Any]]:
    """Envoy's routes of the pages, each compressed for who can read it so, and plain for who cannot."""
    routes = []
    for file in files():
        packed = gzip.compress(file.body, 9, mtime=0)
        if len(packed) < len(file.body):
            routes.append(_route(file, packed, gzipped=True))
        routes.append(_route(file, file.body, gzipped=False))
    return routes + [_slash(page) for page in PAGES]


def modules_of(page: str, *, later: bool) -> list[str]:
    """The modules of a page, itself first, found by their imports: those that it loads at once, or (`later`) all."""
    found: list[str] = []
    waiting = [ROOT / page / "main.js"]
    while waiting:
        module = waiting.pop(0).resolve()
        path = module.relative_to(ROOT).as_posix()
        if path not in found:
            found.append(path)
            text = module.read_text("utf-8")
            named = _AT_ONCE.findall(text) + (_LATER.findall(text) if later else [])
            waiting += [module.parent / other for other in named]
    return found


def first_load(page: str) -> dict[str, int]:
    """Compressed bytes of all that a page is made of, by path: it is kept from the first load on."""
    assets = _assets()
    needed = ["shared/app.css", "shared/icon.svg", *modules_of(page, later=True)]
    sizes = {path: len(gzip.compress(assets[path], 9, mtime=0)) for path in needed}
    return {f"/{page}/": len(gzip.compress(_page(page, _name(assets)), 9, mtime=0)), **sizes}


@cache
def _assets() -> dict[str, bytes]:
    """By path below the name."""
    folders = ("shared", *PAGES)
    own = {
        file.relative_to(ROOT).as_posix(): file.read_bytes()
        for folder in folders
        for file in sorted((ROOT / folder).iterdir())
        if file.suffix in _TYPES and file.name not in ("page.html", "sw.js")
    }
    return own | {path: file.read_bytes() for path, file in LIBRARIES.items() if file.is_file()}


def _name(assets: dict[str, bytes]) -> str:
    whole = hashlib.sha256()
    for path, body in sorted(assets.items()):
        whole.update(f"{path}\n{len(body)}\n".encode() + body)
    return f"/web/{whole.hexdigest()[:16]}"


def _page(page: str, name: str) -> bytes:
    title, look = PAGES[page]
    preload = "\n  ".join(f'<link rel="modulepreload" href="{name}/{path}">' for path in modules_of(page, later=False))
    html = (ROOT / "shared" / "page.html").read_text("utf-8")
    for word, value in {"title": title, "page": page, "look": look, "assets": name, "preload": preload}.items():
        html = html.replace(f"{{{{{word}}}}}", value)
    return html.encode()


def _manifest(page: str, name: str) -> bytes:
    icon = {"src": f"{name}/shared/icon.svg", "sizes": "any", "type": "image/svg+xml", "purpose": "any maskable"}
    said = {
        "name": f"{PAGES[page][0]} · Chợ 4.0",
        "short_name": PAGES[page][0],
        "lang": "vi",
        "start_url": f"/{page}/",
        "scope": f"/{page}/",
        "display": "standalone",
        "background_color": "#f6f7f4",
        "theme_color": "#0b6b3a",
        "icons": [icon],
    }
    return json.dumps(said, ensure_ascii=False).encode()


def _worker(page: str, name: str) -> bytes:
    """The service worker: it knows by name what the page is made of, so a new one is installed with each change."""
    parts = [f"{name}/{path}" for path in ("shared/app.css", "shared/icon.svg", *modules_of(page, later=True))]
    known = {"NAME": name, "PAGE": f"/{page}/", "PARTS": parts}
    said = "".join(f"const {word} = {json.dumps(value)};\n" for word, value in known.items())
    return said.encode() + (ROOT / "shared" / "sw.js").read_bytes()


def _route(file: File, body: bytes, *, gzipped: bool) -> dict[str, Any]:
    headers = {
        "content-type": file.kind,
        "content-security-policy": _CSP,
        "permissions-policy": "camera=(self), microphone=(), geolocation=()",
        "cache-control": "public, max-age=31536000, immutable" if file.kept else "no-cache",
        "vary": "accept-encoding",
        **({"content-encoding": "gzip"} if gzipped else {}),
    }
    asked = [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}]
    if gzipped:
        asked.append({"name": "accept-encoding", "string_match": {"contains": "gzip"}})
    return {
        "match": {"path": file.path, "headers": asked},
        "direct_response": {"status": 200, "body": {"inline_bytes": base64.b64encode(body).decode()}},
        "response_headers_to_add": [
            {"header": {"key": k, "value": v}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for k, v in headers.items()
        ],
    }


def _slash(page: str) -> dict[str, Any]:
    return {"match": {"path": f"/{page}"}, "redirect": {"path_redirect": f"/{page}/", "response_code": "FOUND"}}
