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
TRACE: Json = {"gate": {"strategy": "single"}, "rounds": [], "stop_reason": "direct"}
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
