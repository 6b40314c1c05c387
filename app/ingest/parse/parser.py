"""Sends each source to the parser of its media type, and untrusted structure to the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.domain.documents import Parsed, Source
from app.domain.errors import Rejected, UnsupportedMedia
from app.ingest.parse import markdown, text
from app.ingest.parse.sandbox import Sandbox
from app.ingest.parse.sniff import HTML, JSON, MARKDOWN, TEXT
from retrievers.lane import Lane

VERSION = "1"
"""Raise it whenever a parser gives another result for the same bytes."""
_SMALL = 32_768  # characters or bytes that cost less to scan than to hand to a thread
LONGEST = 20_000_000
"""Characters of a document's text, forty novels; cutting it holds some bytes for each of them."""
_OURS: Mapping[str, Callable[[Source], Parsed]] = MappingProxyType(
    {TEXT: text.parse, MARKDOWN: markdown.parse}
)


class Parser:
    """Sources to parsed texts."""

    def __init__(self, sandbox: Sandbox, lane: Lane) -> None:
        self._sandbox, self._lane = sandbox, lane

    async def parse(self, source: Source) -> Parsed:
        """Title, stored text and headings.

        Raises:
            Rejected: The content cannot be used; the code says why.
            UnsupportedMedia: No parser takes the media type.
        """
        parsed = await self._parse(source)
        if len(parsed.text) > LONGEST:
            raise Rejected(
                f"the document holds {len(parsed.text)} characters of text; {LONGEST} at most are "
                "taken",
                "parse_output",
            )
        return parsed

    async def _parse(self, source: Source) -> Parsed:
        if source.content is not None and source.media_type in (HTML, JSON):
            return await self._sandbox.parse(source)
        parse = _OURS.get(source.media_type)
        if parse is None:
            raise UnsupportedMedia(f"documents of type {source.media_type!r} are not taken")
        if len(source.text) + len(source.content or b"") <= _SMALL:
            return parse(source)
        return await self._lane.run(parse, source)
