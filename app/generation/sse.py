"""Server-sent events from bytes, however these are cut."""

from __future__ import annotations

import codecs


class Events:
    """Takes a stream's bytes and gives the data of its events.

    Lines end with LF, CR or CRLF; comments and all fields but `data` are left out; the `data`
    lines of one event are joined by LF. Bytes that are no UTF-8 become U+FFFD.

    Source: WHATWG HTML, section 9.2.6.
    """

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._line: list[str] = []  # pieces, joined once: a long line comes in many chunks
        self._data: list[str] = []
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[str]:
        """Data of the events that end in this chunk."""
        text = self._decode(chunk)
        if not text:
            return []
        if self._after_cr and text[0] == "\n":
            text = text[1:]
            self._after_cr = False
        if text:
            self._after_cr = text[-1] == "\r"
        # Not str.splitlines, which also cuts at U+2028 and other characters of the data.
        first, *rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._line.append(first)
        found = []
        for piece in rest:
            found += self._ended("".join(self._line))
            self._line = [piece]
        return found

    def end(self) -> list[str]:
        """Data of an event that the end of the stream cut off before its empty line.

        The standard drops it. Here a last `[DONE]` must count without an empty line after it.
        """
        line, self._line = "".join(self._line), []
        return [*self._ended(line), *self._ended("")]

    def _ended(self, line: str) -> list[str]:
        if line:
            name, _, value = line.partition(":")
            if name == "data":
                self._data.append(value.removeprefix(" "))
            return []
        if not self._data:
            return []
        data, self._data = "\n".join(self._data), []
        return [data]
