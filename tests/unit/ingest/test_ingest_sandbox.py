"""Untrusted files are parsed in a process that can be killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psutil
import pytest

from app.domain.documents import Source
from app.domain.errors import Rejected, UnsupportedMedia
from app.ingest.parse.parser import Parser
from app.ingest.parse.sandbox import Sandbox, SandboxLimits
from app.ingest.parse.sniff import HTML, JSON, MARKDOWN, TEXT
from retrievers.lane import Lane

pytestmark = pytest.mark.anyio
PAGE = Source("d", "", HTML, content=b"<title>T</title><h1>Weir</h1><p>Water.")
SLOW = Source("d", "", HTML, content=b"<p>some words to parse</p>" * 1_000_000)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    made = Sandbox()
    yield made
    await made.close()


def children() -> list[psutil.Process]:
    found = psutil.Process().children(recursive=True)
    return [child for child in found if child.status() != psutil.STATUS_ZOMBIE]


async def code_of(sandbox: Sandbox, source: Source) -> str | None:
    with pytest.raises(Rejected) as refused:
        await sandbox.parse(source)
    return refused.value.code


async def test_one_child_serves_many_files(sandbox: Sandbox) -> None:
    pids = set()
    for _ in range(5):
        parsed = await sandbox.parse(PAGE)
        pids |= {child.pid for child in children()}
    assert (parsed.title, parsed.text, parsed.headings[0].text) == ("T", "Weir\n\nWater.", "Weir")
    assert len(pids) == 1


async def test_a_refusal_is_the_parsers_own_and_keeps_the_child(sandbox: Sandbox) -> None:
    assert await code_of(sandbox, Source("d", "", HTML, content=b"<p>")) == "empty_document"
    assert await code_of(sandbox, Source("d", "", JSON, content=b"{")) == "malformed_json"
    assert len(children()) == 1


async def test_the_child_holds_no_environment_and_few_rights(sandbox: Sandbox) -> None:
    await sandbox.parse(PAGE)
    (child,) = children()
    assert child.environ() == {"MALLOC_ARENA_MAX": "1"}
    assert child.nice() >= 10
    assert child.rlimit(psutil.RLIMIT_AS)[1] == SandboxLimits().address_space
    assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
    assert not child.open_files()


async def test_documents_of_a_json_file_come_back_with_any_characters(sandbox: Sandbox) -> None:
    raw = '[{"text": "ö 👩 \\u2028", "title": "T"}, {"text": "b", "metadata": {"n": [1.5]}}]'
    found = await sandbox.documents(Source("d", "", JSON, content=raw.encode()))
    assert [one.text for one in found] == ["ö 👩 \u2028", "b"]
    assert found[1].metadata == {"n": [1.5]}


async def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_served() -> None:
    sandbox = Sandbox(SandboxLimits(wall_s=0.3))
    assert await code_of(sandbox, SLOW) == "parse_timeout"
    assert not children()
    await sandbox.close()


async def test_cpu_time_is_limited_for_each_file_alone() -> None:
    sandbox = Sandbox(SandboxLimits(cpu_s=0))  # the limit is rounded up to a full second
    endless = Source("d", "", HTML, content=b"<p><b>" * 300 + b"<p>x</p>" * 6_000_000)
    assert await code_of(sandbox, endless) == "parse_timeout"
    assert (await sandbox.parse(PAGE)).title == "T"
    await sandbox.close()


async def test_a_file_that_takes_too_much_memory_is_given_up() -> None:
    sandbox = Sandbox(SandboxLimits(address_space=200 << 20))
    assert await code_of(sandbox, SLOW) in ("parse_memory", "parse_crashed", "too_complex")
    assert (await sandbox.parse(PAGE)).title == "T"
    await sandbox.close()


async def test_a_reply_beyond_the_limit_is_not_read() -> None:
    sandbox = Sandbox(SandboxLimits(output=100))
    assert await code_of(sandbox, Source("d", "", HTML, content=b"<p>" + b"x " * 99)) == (
        "parse_output"
    )
    await sandbox.close()


async def test_a_parser_that_breaks_down_is_named_and_replaced(sandbox: Sandbox) -> None:
    await sandbox.parse(PAGE)
    (child,) = children()
    child.suspend()  # it cannot answer before it is killed
    parsing = asyncio.ensure_future(code_of(sandbox, PAGE))
    await asyncio.sleep(0)
    child.kill()
    assert await parsing == "parse_crashed"
    assert (await sandbox.parse(PAGE)).title == "T"


async def test_cancelling_kills_the_child(sandbox: Sandbox) -> None:
    await sandbox.parse(PAGE)
    parsing = asyncio.ensure_future(sandbox.parse(SLOW))
    await asyncio.sleep(0)
    parsing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await parsing
    assert not children()


async def test_only_untrusted_structure_goes_to_the_sandbox(sandbox: Sandbox) -> None:
    lane = Lane("parse", 1)
    parser = Parser(sandbox, lane)
    assert (await parser.parse(Source("d", "", MARKDOWN, "# A\n\n" + "b " * 40_000))).title == "A"
    assert (await parser.parse(Source("d", "T", TEXT, content=b"abc"))).text == "abc"
    assert not children()
    assert (await parser.parse(PAGE)).title == "T"
    with pytest.raises(UnsupportedMedia):
        await parser.parse(Source("d", "", "application/pdf", content=b"%PDF"))
    with pytest.raises(UnsupportedMedia):
        await parser.parse(Source("d", "", HTML, "<p>posted markup is not parsed"))
    lane.close()
