"""A model server that knows the answers: what reasoning reaches when no model errs.

It speaks OpenAI's chat completions on loopback, in the benchmark's own process, and answers each
step (header `X-Anabranch-Step`) for one question at a time, that of `Scripted.gold`:

plan          the gold sub-questions, with `#k` as MuSiQue writes them. A sub-question that no other
              needs is named at the end of the last one, so that only one node is the last
node.round.*  the gold answer of the node with a verbatim span, if a shown passage holds it (the
              gold passage first, then any with the answer's words); else insufficient, with the
              bound sub-question and the whole question as the next query, then the question alone
node.answer.* the same, from known facts
synth         the sentence of a passage that holds the answer, with its mark; else NO ANSWER

As `always` a node is answered whatever is shown, with a span of every passage. The engine believes
an answer only if its words stand in what is cited, so this is the most it can believe. In the
manner `recalled` the next query names the gold answer: a model that knows it wants it confirmed.

The server of the tests (`tests/stub_llm.py`) plays a list of replies, misbehaves on demand and
lives in its test's event loop; this one makes its replies from the passages it is shown, never
misbehaves and needs a thread, as the benchmarks wait. `folded` is not the engine's: what the engine
believes is measured here, so it must not be asked.
"""

from __future__ import annotations

import ast
import json
import re
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from benchmarks.gold import Gold, Hop, nodes

Manner = Literal["gold", "always", "recalled"]

MODEL = "gold"
_PASSAGE = re.compile(r"<passage (\w+) number=(\d+) title=(.*?)>\n(.*?)\n</passage \1>", re.DOTALL)
_QUESTION = re.compile(r"^Question: (.*)", re.MULTILINE)
_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s|$)|$)", re.DOTALL)
_MOST_FACTS, _LONGEST_FACT, _LONGEST_QUERY = 8, 600, 300


@dataclass(frozen=True, slots=True)
class Read:
    """One reply about passages."""

    step: str
    documents: tuple[str, ...]  # of the passages shown, in order
    cited: tuple[str, ...]  # of those it answered from; empty if it did not


@dataclass(frozen=True, slots=True)
class _Shown:
    number: int
    document_id: str  # empty where no passage of the corpus has this text
    title: str
    text: str


class Scripted:
    """What the model says; set `gold` before each question.

    Args:
        texts: The corpus, by document.

    Attributes:
        manner: How nodes are answered.
        read: Its replies about passages since `about`.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._known: dict[str, str] = {}
        self._gold: Gold | None = None
        self.manner: Manner = "gold"
        self.read: list[Read] = []

    def about(self, gold: Gold) -> None:
        """Turn to the next question."""
        self._gold, self.read = gold, []

    def reply(self, step: str, prompt: str) -> str:
        """The text of one reply.

        Args:
            prompt: The user's part of it.

        Raises:
            LookupError: A step that the script does not have.
        """
        gold = self._gold
        if gold is None:
            raise LookupError("no question was announced")
        kind, *numbers = re.findall(r"^[a-z.]+(?=\.\d|$)|\d+", step)
        if kind in ("plan", "plan.repair"):
            return json.dumps({"nodes": nodes(gold)})
        shown = self._shown(prompt)
        if kind == "synth":
            return self._written(gold, shown)
        if kind == "synth.repair":
            return json.dumps({"statements": []})
        # Node 0 is the whole question.
        number = int(numbers[0])
        hop = gold.hops[number - 1] if number else Hop("", gold.answers[0], "")
        bound = _QUESTION.findall(prompt)[-1]
        if kind == "node.round":
            return self._round(step, gold, hop, bound, shown)
        if kind == "node.answer":
            return self._answer(step, hop, shown)
        raise LookupError(f"the script has no step {step!r}")

    def _round(self, step: str, gold: Gold, hop: Hop, bound: str, shown: Sequence[_Shown]) -> str:
        holder = _holder(shown, [hop.answer], hop.document_id)
        rest = [one for one in shown if one is not holder]
        every = [*([holder] if holder else []), *(rest if self.manner == "always" else [])]
        cited = every[:_MOST_FACTS]
        self._note(step, shown, cited)
        first = step.endswith(".1")
        if self.manner == "recalled":
            gap = f"{bound if first else gold.question} {hop.answer}"
        else:
            gap = f"{bound} {gold.question}" if first else gold.question
        return json.dumps(
            {
                "facts": [
                    {"passage": one.number, "text": span(one.text, hop.answer)} for one in cited
                ],
                "sufficient": bool(cited),
                "answer": hop.answer if cited else None,
                # Believed or not: where the answer's words do not stand, the search goes on.
                "gap_query": gap.replace(">>", "")[:_LONGEST_QUERY],
                "confidence": 1.0 if cited else 0.0,
            }
        )

    def _answer(self, step: str, hop: Hop, shown: Sequence[_Shown]) -> str:
        holder = _holder(shown, [hop.answer], hop.document_id)
        cited = shown if self.manner == "always" else [holder] if holder else []
        self._note(step, shown, cited)
        return json.dumps(
            {
                "answer": hop.answer if cited else None,
                "passages": [one.number for one in cited][:_MOST_FACTS],
                "confidence": 1.0 if cited else 0.0,
                "unanswerable": not cited,
            }
        )

    def _written(self, gold: Gold, shown: Sequence[_Shown]) -> str:
        for answer in gold.answers:
            holder = _holder(shown, [answer], gold.hops[-1].document_id)
            if holder is not None:
                said = " ".join(span(holder.text, answer).split())
                return f"{said} [{holder.number}]\nSHORT: {answer}"
        return "NO ANSWER"

    def _note(self, step: str, shown: Sequence[_Shown], cited: Sequence[_Shown]) -> None:
        documents, used = (tuple(one.document_id for one in some) for some in (shown, cited))
        self.read.append(Read(step, documents, used))

    def _shown(self, prompt: str) -> list[_Shown]:
        return [
            _Shown(int(number), self._document(text), ast.literal_eval(title), text)
            for _, number, title, text in _PASSAGE.findall(prompt)
        ]

    def _document(self, text: str) -> str:
        if text not in self._known:
            found = (id for id, whole in self._texts.items() if text in whole)
            self._known[text] = next(found, "")
        return self._known[text]


def folded(text: str) -> str:
    """Words in lower case without accents, each between spaces."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return f" {' '.join(_WORD.findall(bare))} "


def span(text: str, answer: str) -> str:
    """The sentence that holds the answer, else the one with most of its words, verbatim."""
    sentences = [match[0] for match in _SENTENCE.finditer(text)] or [text]
    wanted = folded(answer)
    words = set(wanted.split())

    def worth(sentence: str) -> tuple[bool, int]:
        said = folded(sentence)
        return wanted in said, len(words & set(said.split()))

    best = max(sentences, key=worth)
    if len(best) <= _LONGEST_FACT:
        return best
    return best[:_LONGEST_FACT].rsplit(maxsplit=1)[0]


def _holder(shown: Sequence[_Shown], answers: Sequence[str], document_id: str) -> _Shown | None:
    """The gold passage, else the first with the words of an answer in one piece."""
    for one in shown:
        if document_id and one.document_id == document_id:
            return one
    for one in shown:
        if any(folded(answer) in folded(f"{one.title} {one.text}") for answer in answers):
            return one
    return None


@dataclass(slots=True)
class Server:
    """The running server."""

    url: str
    script: Scripted
    failures: list[str] = field(default_factory=list)  # steps that it could not answer


@contextmanager
def serve(script: Scripted) -> Iterator[Server]:
    """Answer on a free port while the block runs.

    Raises:
        RuntimeError: The block ended well, but some step could not be answered.
    """
    running = Server("", script)
    bound = type("Bound", (_Handler,), {"running": running})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    running.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    if running.failures:
        raise RuntimeError(f"the scripted server failed: {running.failures[:5]}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    running: Server

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": [{"id": MODEL, "max_model_len": 32768}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        step, prompt = self.headers["X-Anabranch-Step"], body["messages"][-1]["content"]
        try:
            text = self.running.script.reply(step, prompt)
        except (LookupError, ValueError) as error:  # a fault of this module: `serve` raises
            self.running.failures.append(f"{step}: {error!r}")
            self._send(500, {"error": {"message": repr(error)}})
            return
        told = sum(len(message["content"].encode()) for message in body["messages"])
        usage = {"prompt_tokens": told // 4, "completion_tokens": 1 + len(text.encode()) // 4}
        usage["total_tokens"] = sum(usage.values())
        if body.get("stream"):
            self._stream(text, usage)
            return
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        self._send(200, {"id": "gold", "model": MODEL, "choices": [choice], "usage": usage})

    def _stream(self, text: str, usage: dict[str, int]) -> None:
        delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        events: list[dict[str, Any]] = [
            {"choices": [delta]},
            {"choices": [end]},
            {"choices": [], "usage": usage},
        ]
        lines = [json.dumps({"id": "gold", "model": MODEL, **event}) for event in events]
        content = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()
        self._head(200, "text/event-stream", len(content))
        self.wfile.write(content)

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self._head(status, "application/json", len(content))
        self.wfile.write(content)

    def _head(self, status: int, kind: str, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the benchmark's output is its table."""
