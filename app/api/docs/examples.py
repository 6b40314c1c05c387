"""Example bodies of the OpenAPI document; they run against the demo collection."""

from __future__ import annotations

from typing import Any

Json = Any

COLLECTION: Json = {
    "name": "wiki",
    "description": "",
    "language": "en",
    "embedding_model": None,
    "created_at": "2026-11-24T09:30:00.000Z",
}
SEARCH: Json = {"query": "Who designed the Nine Heron Bridge?", "top_k": 5}
HIT: Json = {
    "rank": 1,
    "score": 0.82,
    "document_id": "nine-heron-bridge",
    "chunk_id": "chk_3mzq7nbh2c",
    "title": "Nine Heron Bridge",
    "text": "Isaura Venn designed the Nine Heron Bridge.",
    "start": 0,
    "end": 43,
    "metadata": {"lang": "en"},
    "channels": {"vector": {"rank": 1, "score": 0.71}, "fulltext": {"rank": 2, "score": 9.4}},
    "sql": None,
}
FOUND: Json = {
    "query": "Who designed the Nine Heron Bridge?",
    "strategy": "single",
    "results": [HIT],
    "degraded": [],
    "took_ms": 7.4,
}
DOCUMENTS: Json = {
    "documents": [
        {
            "id": "visitor-note",
            "title": "A visitor's note",
            "text": "Isaura Venn designed the Nine Heron Bridge.",
            "metadata": {"lang": "en", "year": 1887, "tags": ["bridges", "rivers"]},
        }
    ]
}
DOCUMENT: Json = {
    "id": "visitor-note",
    "collection": "demo",
    "title": "A visitor's note",
    "text": "Isaura Venn designed the Nine Heron Bridge.",
    "media_type": "text/plain",
    "version": 1,
    "metadata": {"lang": "en", "year": 1887, "tags": ["bridges", "rivers"]},
    "created_at": "2026-11-24T09:30:00.000Z",
    "updated_at": "2026-11-24T09:30:00.000Z",
}
LISTED: Json = {
    name: value for name, value in DOCUMENT.items() if name not in ("collection", "text")
}
JOB: Json = {
    "id": "job_k3vqz7m2n4p6r8t0w1y5",
    "kind": "ingest",
    "status": "succeeded",
    "stage": "done",
    "done": 1,
    "total": 1,
    "error": None,
    "attempt": 1,
    "documents": {"succeeded": 1, "failed": 0, "unchanged": 0},
    "failures": [],
    "created_at": "2026-11-24T09:30:00.000Z",
    "finished_at": "2026-11-24T09:30:00.400Z",
}
ASK: Json = {"question": "Who designed the Nine Heron Bridge?"}
ANSWER: Json = {
    "id": "ans_b5x2m7q9w4k1",
    "question": "Who designed the Nine Heron Bridge?",
    "status": "answered",
    "answer": "Isaura Venn designed the Nine Heron Bridge. [1]",
    "short_answer": "Isaura Venn",
    "citations": [
        {
            "mark": "[1]",
            "start": 0,
            "end": 43,
            "document_id": "nine-heron-bridge",
            "chunk_id": "chk_3mzq7nbh2c",
            "source_start": 0,
            "source_end": 43,
            "quote": "Isaura Venn designed the Nine Heron Bridge.",
            "sql": None,
        }
    ],
    "evidence": [HIT],
    "plan": None,
    "degraded": [],
    "usage": {"llm_calls": 0, "prompt_tokens": 0, "completion_tokens": 0, "took_ms": 9.1},
    "generator": "extractive",
    "created_at": "2026-11-24T09:30:00.000Z",
}
ASK_STREAM = """\
event: answer.created
id: 1
data: {"id":"ans_b5x2m7q9w4k1","question":"Who designed the Nine Heron Bridge?","reasoning":"auto"}

event: plan.created
id: 2
data: {"gate":{"decision":"direct"},"plan":null}

event: evidence.selected
id: 3
data: {"hits":[{"rank":1,"document_id":"nine-heron-bridge","chunk_id":"chk_3mzq7nbh2c","…":"…"}]}

event: answer.delta
id: 4
data: {"text":"Isaura Venn designed the Nine Heron Bridge. [1]"}

event: citation.added
id: 5
data: {"mark":"[1]","start":0,"end":43,"document_id":"nine-heron-bridge","…":"…"}

event: answer.completed
id: 6
data: {"id":"ans_b5x2m7q9w4k1","status":"answered","…":"…"}

"""
TRACE: Json = {
    "mode": "direct",
    "gate": {"decision": "direct"},
    "plan": None,
    "nodes": [],
    "llm_calls": [],
    "budget": {"limits": {"seconds": 20.0}, "used": {"seconds": 0.009}},
}
MODELS: Json = {
    "object": "list",
    "data": [
        {"id": "anabranch", "object": "model", "created": 1795512600, "owned_by": "anabranch"},
        {"id": "demo", "object": "model", "created": 1795512600, "owned_by": "anabranch"},
    ],
}
CHAT: Json = {
    "model": "demo",
    "messages": [{"role": "user", "content": "Who designed the Nine Heron Bridge?"}],
}
_ANNOTATION: Json = {
    "type": "file_citation",
    "file_citation": {
        "file_id": "nine-heron-bridge",
        "filename": "Nine Heron Bridge",
        "start_index": 0,
        "end_index": 43,
        "quote": "Isaura Venn designed the Nine Heron Bridge.",
        "source_start": 0,
        "source_end": 43,
        "chunk_id": "chk_3mzq7nbh2c",
    },
}
COMPLETION: Json = {
    "id": "ans_b5x2m7q9w4k1",
    "object": "chat.completion",
    "created": 1795512600,
    "model": "demo",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Isaura Venn designed the Nine Heron Bridge. [1]",
                "refusal": None,
                "annotations": [_ANNOTATION],
            },
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    "anabranch": {name: value for name, value in ANSWER.items() if name != "answer"},
}
CHAT_STREAM = """\
data: {"id":"ans_b5x2m7q9w4k1","object":"chat.completion.chunk","created":1795512600,\
"model":"demo","choices":[{"index":0,"delta":{"role":"assistant","content":""},\
"finish_reason":null}]}

data: {"id":"ans_b5x2m7q9w4k1","object":"chat.completion.chunk","created":1795512600,\
"model":"demo","choices":[{"index":0,"delta":\
{"content":"Isaura Venn designed the Nine Heron Bridge. [1]"},"finish_reason":null}]}

data: {"id":"ans_b5x2m7q9w4k1","object":"chat.completion.chunk","created":1795512600,\
"model":"demo","choices":[{"index":0,"delta":{"annotations":[]},"finish_reason":"stop"}],\
"anabranch":{"…":"…"}}

data: [DONE]

"""
SOURCE: Json = {
    "name": "shop",
    "url": "sqlite:////srv/shop.db",
    "tables": ["orders", "customers"],
    "created_at": "2026-11-24T09:30:00.000Z",
}
KEY: Json = {
    "id": "key_p6r8t0w1y5k3vqz7m2n4",
    "prefix": "anb_q7m2n4p6",
    "scopes": ["read"],
    "collections": ["wiki"],
    "note": "reading room",
    "bootstrap": False,
    "created_at": "2026-11-24T09:30:00.000Z",
    "last_used_at": None,
}
