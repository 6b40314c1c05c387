"""The parsing process: reads files from its input, writes what they hold to its output.

Started by `sandbox.py` with an empty environment. It imports no more than the parsers need and
gives up what it may before the first byte of a file arrives. A request is the length of its JSON
(4 bytes, big endian), the JSON and the file's bytes; a reply is two lengths, JSON and the text.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any, BinaryIO

from app.domain.documents import Source
from app.domain.errors import Rejected
from app.ingest.parse import html
from app.ingest.parse import json as json_files
from app.ingest.parse.sniff import HTML

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000


def main(arguments: Sequence[str]) -> None:
    """Serve requests until the input ends.

    Args:
        arguments: Address space in bytes, CPU seconds for each file.
    """
    address_space, cpu_s = (int(argument) for argument in arguments)
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    # Whatever a library prints must not get between the frames.
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    _give_up(address_space)
    while (header := requests.read(4)) and len(header) == 4:
        request = json.loads(_exactly(requests, int.from_bytes(header, "big")))
        content = _exactly(requests, request["content_bytes"])
        _limit_cpu(cpu_s)
        _send(replies, *_answer(request, content))


def source_to_json(source: Source) -> dict[str, Any]:
    """A source without its bytes, as a request or reply carries it."""
    return {
        "id": source.id,
        "title": source.title,
        "media_type": source.media_type,
        "text": source.text,
        "metadata": dict(source.metadata),
    }


def _answer(request: Mapping[str, Any], content: bytes) -> tuple[dict[str, Any], str]:
    source = Source(**request["source"], content=content)
    try:
        if request["wanted"] == "documents":
            return {"documents": [source_to_json(one) for one in json_files.documents(source)]}, ""
        parsed = (html.parse if source.media_type == HTML else json_files.parse)(source)
    except Rejected as error:
        return {"error": {"detail": error.detail, "code": error.code}}, ""
    except MemoryError:
        return {"error": {"detail": "the file takes too much memory", "code": "parse_memory"}}, ""
    headings = [astuple(heading) for heading in parsed.headings]
    reply = {"title": parsed.title, "headings": headings, "metadata": dict(parsed.metadata)}
    return reply, parsed.text


def _send(replies: BinaryIO, reply: Mapping[str, Any], text: str) -> None:
    # ASCII, so that a lone surrogate in a title is passed on and refused where it is judged.
    head, body = json.dumps(reply).encode("ascii"), text.encode()
    replies.write(len(head).to_bytes(4, "big") + len(body).to_bytes(4, "big") + head + body)
    replies.flush()


def _exactly(stream: BinaryIO, count: int) -> bytes:
    raw = stream.read(count)
    if len(raw) < count:
        sys.exit(0)  # the parent is gone
    return raw


def _give_up(address_space: int) -> None:
    """Lower every limit; none can be raised again."""
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    os.nice(10)
    if sys.platform == "linux":
        # Best effort: many kernels and containers refuse it to unprivileged processes.
        ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK)


def _limit_cpu(seconds: int) -> None:
    """So much more CPU time than was used so far, then SIGXCPU."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
