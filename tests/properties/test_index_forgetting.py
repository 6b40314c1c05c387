"""An index of A and B that then loses B is an index of A."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrievers.types import Evidence
from tests.contract.backends import BACKENDS, Backend
from tests.contract.conftest import Stand
from tests.fakes import HERE

WORDS = ["Kell", "Oren", "Lund", "Maru", "mine", "river", "garden", "was", "built", "by", "the"]
QUESTIONS = ("Kell mine", "the river Oren in Maru", "Lund garden built by", "Lund")

texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
libraries = st.lists(texts, min_size=1, max_size=6)


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda backend: backend.name)
@given(kept=libraries, lost=libraries, replaced=st.sets(st.integers(0, 5)))
@settings(max_examples=25, deadline=None)
def test_what_was_lost_leaves_no_trace(
    backend: Backend, kept: Sequence[str], lost: Sequence[str], replaced: set[int]
) -> None:
    asyncio.run(_lose(backend, kept, lost, replaced))


async def _lose(
    backend: Backend, kept: Sequence[str], lost: Sequence[str], replaced: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stand = Stand(backend, Path(folder) / "data")
        both = stand.open_new()
        for number, text in enumerate(lost):
            stand.shelf.put(f"lost-{number}", text, text[:5])
        # Some documents of A first said something else.
        for number, text in enumerate(kept):
            stand.shelf.put(f"kept-{number}", "garden by the mine" if number in replaced else text)
        await stand.index()
        removed = [stand.shelf.delete(f"lost-{number}") for number in range(len(lost))]
        for number, text in enumerate(kept):
            stand.shelf.put(f"kept-{number}", text)
        await both.replace(HERE, dict.fromkeys(removed, ()) | stand.shelf.documents())
        after = [await stand.find(question, 100) for question in QUESTIONS]
        await both.rebuild(HERE, stand.shelf.everything())
        rebuilt = [await stand.find(question, 100) for question in QUESTIONS]

        never = stand.open_new(Path(folder) / "never")
        await never.replace(HERE, stand.shelf.documents())
        expected = [await stand.find(question, 100) for question in QUESTIONS]

        assert rebuilt == expected
        if backend.forgets:
            assert after == expected
        else:
            assert [_keys(found) for found in after] == [_keys(found) for found in expected]
        for retriever in stand.made:
            await retriever.close()


def _keys(found: Sequence[Evidence]) -> set[str]:
    return {evidence.key for evidence in found}
