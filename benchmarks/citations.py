"""Checks the citations of answers against stored texts; shares no code with the service.

quote       `text[source_start:source_end]` of the cited document is the quote (code points)
statement   `answer[start:end]` holds a word, and statements do not overlap
mark        the citation's mark stands right behind its statement, and nowhere else
marks       are [1], [2], … in the order of the citations, without gaps
sql         a citation of rows has a source, a statement and a cell under each column, and no quote
status      `answered` cites something, `unanswerable` nothing

Texts are read over the API (`GET …/documents/{id}`), or from a corpus as it was ingested. Answers
are given by id, or as a folder with one `*.json` each, as `POST …/ask` answered it.

    python -m benchmarks.citations --url http://127.0.0.1:8000 --key KEY --collection default ans_1
    python -m benchmarks.citations --url http://127.0.0.1:8000 --key KEY --answers saved/
    python -m benchmarks.citations --corpus corpus.jsonl.gz --answers saved/

Exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

Texts = Callable[[str], str | None]
"""The stored text of a document; None if there is none."""

_MARKS = re.compile(r" ?((?:\[\d+\])+)")
_QUOTED = re.compile("“[^”]*”")  # what a remark says of a question is no mark
_WORD = re.compile(r"[^\W_]")


class Stored:
    """Texts over the API, each fetched once."""

    def __init__(self, client: httpx.Client, collection: str) -> None:
        self._client, self._collection = client, collection
        self._texts: dict[str, str | None] = {}

    def __call__(self, document_id: str) -> str | None:
        """The stored text of a document; None if the service has none."""
        if document_id not in self._texts:
            path = f"/v1/collections/{self._collection}/documents/{quote(document_id, safe='')}"
            reply = self._client.get(path)
            if reply.status_code != 404:
                reply.raise_for_status()
            self._texts[document_id] = None if reply.is_error else reply.json()["text"]
        return self._texts[document_id]


def faults(answer: Mapping[str, Any], texts: Texts) -> list[str]:
    """All that is wrong with the citations of one answer; empty if nothing is."""
    found = []
    citations = answer["citations"]
    if answer["status"] == "answered" and not citations:
        found.append("answered without a citation")
    if answer["status"] == "unanswerable" and citations:
        found.append("unanswerable, but cites")
    expected = [f"[{number}]" for number, _ in enumerate(citations, 1)]
    if [citation["mark"] for citation in citations] != expected:
        found.append(f"marks are not dense: {[citation['mark'] for citation in citations]}")
    for citation in citations:
        wrong = [*_placed(answer["answer"], citation), *_sourced(citation, texts)]
        found += [f"{citation['mark']}: {fault}" for fault in wrong]
    return found + _apart(answer["answer"], citations)


def _placed(text: str, citation: Mapping[str, Any]) -> list[str]:
    start, end = citation["start"], citation["end"]
    if not 0 <= start < end <= len(text):
        return [f"no part of the answer: {start}:{end} of {len(text)}"]
    found = []
    if not _WORD.search(text[start:end]):
        found.append(f"no word in the statement {text[start:end]!r}")
    behind = _MARKS.match(text, end)
    if behind is None or citation["mark"] not in behind[1].replace("]", "] ").split():
        found.append(f"its mark is not behind the statement, but {text[end : end + 12]!r}")
    return found


def _apart(text: str, citations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Statements side by side, and as many marks behind them as there are citations."""
    places = sorted({(citation["start"], citation["end"]) for citation in citations})
    found = [f"statements overlap: {a} and {b}" for a, b in pairwise(places) if a[1] > b[0]]
    behind = [_MARKS.match(text, end) for _, end in places]
    rest, last = "", 0
    for (start, end), match in zip(places, behind, strict=True):
        rest, last = rest + text[last:start], match.end() if match else end
    if loose := re.findall(r"\[\d+\]", _QUOTED.sub("", rest + text[last:])):
        found.append(f"marks without a citation: {loose}")
    marks = [mark for match in behind if match for mark in re.findall(r"\[\d+\]", match[1])]
    if sorted(marks) != sorted(citation["mark"] for citation in citations):
        found.append(f"marks in the text and citations differ: {marks}")
    return found


def _sourced(citation: Mapping[str, Any], texts: Texts) -> list[str]:
    fields = ("document_id", "chunk_id", "source_start", "source_end", "quote")
    if citation["sql"] is not None:
        both = [name for name in fields if citation[name] is not None]
        return [*([f"cites rows, and has {both}"] if both else []), *_rows(citation["sql"])]
    missing = [name for name in fields if citation[name] is None]
    if missing:
        return [f"cites no rows, but has no {', '.join(missing)}"]
    stored = texts(citation["document_id"])
    if stored is None:
        return [f"there is no document {citation['document_id']!r}"]
    start, end = citation["source_start"], citation["source_end"]
    if not 0 <= start < end <= len(stored):
        return [f"no part of the document: {start}:{end} of {len(stored)}"]
    if stored[start:end] != citation["quote"]:
        return [f"false quote: {citation['quote'][:80]!r} for {stored[start:end][:80]!r}"]
    return []


def _rows(rows: Mapping[str, Any]) -> list[str]:
    found = [f"rows without a {name}" for name in ("source", "statement") if not rows.get(name)]
    width = len(rows.get("columns") or ())
    if not width or any(len(row) != width for row in rows.get("rows") or ()):
        found.append("rows do not fit their columns")
    return found


def _saved(folder: Path) -> Iterable[tuple[str, Any]]:
    for path in sorted(folder.glob("*.json")):
        yield path.name, json.loads(path.read_text(encoding="utf-8"))


def _corpus(path: Path) -> dict[str, str]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as stream:
        return {row["id"]: row["text"] for row in map(json.loads, stream)}


def main() -> None:
    """Check and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ids", nargs="*", help="answers to fetch")
    parser.add_argument("--url", help="base address of the service")
    parser.add_argument("--key", help="its API key")
    parser.add_argument("--collection", default="default", help="that the answers cite")
    parser.add_argument("--corpus", type=Path, help="texts, where there is no service")
    parser.add_argument("--answers", type=Path, help="folder of saved answers")
    args = parser.parse_args()
    if (args.url is None) == (args.corpus is None) or (args.ids and not args.url):
        parser.error("give --url, or --corpus with --answers")
    head = {"Authorization": f"Bearer {args.key}"} if args.key else {}
    checked = cited = 0
    wrong: list[str] = []
    with httpx.Client(base_url=args.url or "", headers=head, timeout=60) as client:
        texts: Texts = _corpus(args.corpus).get if args.corpus else Stored(client, args.collection)
        given = [*_saved(args.answers)] if args.answers else []
        for id in args.ids:
            given.append((id, client.get(f"/v1/answers/{id}").raise_for_status().json()))
        for name, answer in given:
            checked, cited = checked + 1, cited + len(answer["citations"])
            wrong += [f"{name}: {fault}" for fault in faults(answer, texts)]
    print("\n".join(wrong))
    print(f"{checked} answers with {cited} citations, {len(wrong)} faults")
    sys.exit(1 if wrong or not checked else 0)


if __name__ == "__main__":
    main()
