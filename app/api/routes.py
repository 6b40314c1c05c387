"""Every route, in one place."""

from __future__ import annotations

from fastapi import FastAPI

from app.api import health, problems
from app.api.docs import pages
from app.api.v1 import answers, ask, collections, documents, files, jobs, keys, search, sources


def install(app: FastAPI, docs_enabled: bool) -> None:
    """Add the routes and the problem handlers."""
    problems.install(app)
    app.include_router(health.router)
    if docs_enabled:
        app.include_router(pages.router)
    for part in (search, ask, documents, files, collections, jobs, answers, sources, keys):
        app.include_router(part.router)
