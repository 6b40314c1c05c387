"""Every route, in one place."""

from __future__ import annotations

from fastapi import FastAPI

from app.api import health, problems
from app.api.compat import openai
from app.api.docs import pages
from app.api.v1 import answers, ask, collections, documents, files, jobs, keys, search, sources


def install(app: FastAPI, docs_enabled: bool) -> None:
    """Add the routes and the problem handlers."""
    problems.install(app)
    asking = [search, ask, openai, health]  # first, because most requests are theirs
    parts = [*asking, documents, files, collections, jobs, answers, sources, keys]
    if docs_enabled:
        parts.append(pages)
    for part in parts:
        # Not `include_router`: it would match each request twice and wrap every route again.
        app.router.routes.extend(part.router.routes)
