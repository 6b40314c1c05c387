"""The playground and the pages about problems, from files beside this one: no CDN is asked."""

from __future__ import annotations

import gzip
import html
from importlib.resources import files

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.api.docs.openapi import describe
from app.api.kinds import KINDS, Kind
from app.api.render import reply

router = APIRouter(include_in_schema=False)
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "start.js": "text/javascript",
    "LICENSE.txt": "text/plain",
    "NOTICE.txt": "text/plain",
}
PLAYGROUND = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>anabranch</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/start.js"></script>
</body>
</html>
"""
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title><link rel="icon" href="data:,">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;padding:0 1em}}
code,pre{{background:#8882;border-radius:4px;padding:.1em .3em}}</style></head>
<body>{body}</body>
</html>
"""


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """The description of every operation."""
    return reply(describe(request.app))


@router.get("/docs")
async def playground() -> Response:
    """Swagger UI."""
    return Response(PLAYGROUND, headers=HEADERS, media_type="text/html")


@router.get("/docs/assets/{name}")
async def asset(name: str, request: Request) -> Response:
    """One file of the playground; large ones are kept compressed."""
    if name not in ASSETS:
        raise HTTPException(404)
    folder = files("app.api.docs") / "assets"
    headers = HEADERS | {"Cache-Control": "public, max-age=86400"}
    packed = folder / f"{name}.gz"
    if not packed.is_file():
        content = (folder / name).read_bytes()
    elif "gzip" in request.headers.get("accept-encoding", ""):
        content = packed.read_bytes()
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    else:
        content = gzip.decompress(packed.read_bytes())
    return Response(content, headers=headers, media_type=ASSETS[name])


@router.get("/docs/problems")
async def problems() -> Response:
    """Every kind of problem."""
    rows = "".join(
        f'<li><a href="/docs/problems/{kind.slug}"><code>{kind.status} {kind.slug}</code></a> '
        f"{html.escape(kind.title)}</li>"
        for kind in KINDS.values()
    )
    return _page("Problems", f"<h1>Problems</h1><ul>{rows}</ul>")


@router.get("/docs/problems/{slug}")
async def problem(slug: str) -> Response:
    """What one kind of problem means and what to do."""
    if slug not in KINDS:
        raise HTTPException(404)
    return _page(KINDS[slug].title, _about(KINDS[slug]))


def _about(kind: Kind) -> str:
    return (
        f"<h1>{html.escape(kind.title)}</h1><p><code>{kind.status} {kind.slug}</code></p>"
        f"<p>{html.escape(kind.meaning)}</p><h2>What to do</h2><p>{html.escape(kind.fix)}</p>"
        '<p><a href="/docs/problems">All problems</a> · <a href="/docs">Playground</a></p>'
    )


def _page(title: str, body: str) -> Response:
    content = PAGE.format(title=html.escape(title), body=body)
    return Response(content, headers=HEADERS, media_type="text/html")
