"""Bodies shared by several routes. Responses are documented here and built in `render.py`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from app.api.limits import printable
from app.api.paths import SLASH
from app.domain.errors import Rejected

# No control characters, and not what a path would resolve away.
PLAIN_ID = r"^(?!\.{1,2}$)[^\x00-\x1f\x7f-\x9f\ufdd0]*$"


# Of a member that is a switch or an object: tags of the two in the places of faults, not shown.
SWITCH, MEMBERS = "|switch", "|members"

MOST_UNKNOWN = 20
"""Unknown fields of one object that are named; of more, only their number."""


class Body(BaseModel):
    """A request body: unknown fields are refused, values are not coerced."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _not_a_heap(cls, value: Any) -> Any:
        # Each unknown field is a fault of its own: two million took 25 seconds to list.
        if isinstance(value, dict) and len(value) > len(cls.model_fields) + MOST_UNKNOWN:
            raise ValueError(f"more than {MOST_UNKNOWN} fields are not known here")
        return value


def _text(value: str) -> str:
    try:
        return printable(value, "")
    except Rejected as error:
        raise ValueError(error.detail) from error


def _spoken(value: str) -> str:
    if not value.strip():
        raise ValueError("holds nothing but white space")
    return value


def _identifier(value: str) -> str:
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 or letter == SLASH for letter in value):
        raise ValueError("an id has no control characters and no noncharacters")
    if value in (".", ".."):
        raise ValueError("an id stands in a path, where '.' and '..' would be resolved away")
    return value


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _metadata(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("metadata is a JSON object")
    for key, item in value.items():
        _text(key)
        if not 1 <= len(key) <= 64 or key.startswith("$"):
            raise ValueError(f"{key!r}: a key has 1 to 64 characters and no leading `$`")
        if isinstance(item, list):
            if not all(isinstance(part, str) for part in item):
                raise ValueError(f"{key!r}: a list holds strings only")
            _text(" ".join(item))
        elif isinstance(item, str):
            _text(item)
        elif not isinstance(item, int | float):  # bool is an int
            raise ValueError(f"{key!r}: a value is a string, number, boolean or [string]")
        elif not abs(item) < 2**63:  # NaN too
            raise ValueError(f"{key!r}: the number is not finite or beyond 64 bits")
    return value


def metadata_size(value: dict[str, Any]) -> int:
    """Bytes of the metadata as compact JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


Text = Annotated[str, AfterValidator(_text), Field(json_schema_extra={"pattern": r"^[^\x00]*$"})]
# To JSON, 5.0 is an integer too.
WHOLE = BeforeValidator(_whole)
Spoken = Annotated[
    Text,
    Field(json_schema_extra={"minLength": 1, "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$"}),
    AfterValidator(_spoken),
]
DocumentId = Annotated[
    Text,
    Field(min_length=1, max_length=256, json_schema_extra={"pattern": PLAIN_ID}),
    AfterValidator(_identifier),
]
Metadata = Annotated[
    dict[str, Any],
    BeforeValidator(_metadata),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {
                "anyOf": [
                    {"type": "string", "pattern": r"^[^\x00]*$"},
                    {"type": "number", "exclusiveMinimum": -(2**63), "exclusiveMaximum": 2**63},
                    {"type": "boolean"},
                    {"type": "array", "items": {"type": "string", "pattern": r"^[^\x00]*$"}},
                ]
            },
            "propertyNames": {"pattern": r"^[^\x00$][^\x00]*$", "maxLength": 64},
        }
    ),
]
FilterIn = Annotated[
    Any,
    WithJsonSchema({"anyOf": [{"$ref": "#/components/schemas/Filter"}, {"type": "null"}]}),
    Field(description="Condition on metadata; one that cannot be applied is refused (422)."),
]
TopK = Annotated[int, Field(ge=1, le=100), WHOLE]
Channel = Literal["vector", "graph", "fulltext", "sql"]


class DegradedOut(BaseModel):
    """What was left out, and why."""

    component: str
    reason: str


class StandingOut(BaseModel):
    """Where one channel put the hit."""

    rank: int
    score: float


class RowsOut(BaseModel):
    """What one guarded SELECT returned."""

    source: str
    statement: str
    columns: list[str]
    rows: list[list[Any]]
    truncated: bool


class HitOut(BaseModel):
    """One passage, or the rows of one SQL statement (then the document fields are null)."""

    rank: int
    score: float
    document_id: str | None
    chunk_id: str | None
    title: str | None
    text: str | None
    start: int | None = Field(description="Code-point offset of `text` in the stored document.")
    end: int | None
    metadata: dict[str, Any] | None
    channels: dict[str, StandingOut]
    sql: RowsOut | None


class CitationOut(BaseModel):
    """`answer[start:end]` is supported by `quote == stored_text[source_start:source_end]`."""

    mark: str
    start: int
    end: int
    document_id: str | None
    chunk_id: str | None
    source_start: int | None
    source_end: int | None
    quote: str | None
    sql: RowsOut | None


class UsageOut(BaseModel):
    """What the answer cost."""

    llm_calls: int
    prompt_tokens: int
    completion_tokens: int
    took_ms: float


class AnswerOut(BaseModel):
    """A cited answer."""

    id: str
    question: str
    status: Literal["answered", "partial", "unanswerable", "budget_exhausted"]
    answer: str
    short_answer: str | None
    citations: list[CitationOut]
    evidence: list[HitOut]
    plan: dict[str, Any] | None
    degraded: list[DegradedOut]
    usage: UsageOut
    generator: str
    created_at: datetime


class CountsOut(BaseModel):
    """Documents of a job by outcome."""

    succeeded: int
    failed: int
    unchanged: int


class JobOut(BaseModel):
    """Background work. `succeeded` means: searchable in every retriever, and durable."""

    id: str
    kind: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    stage: str
    done: int
    total: int
    error: dict[str, Any] | None
    attempt: int
    documents: CountsOut
    failures: list[dict[str, Any]]
    created_at: datetime
    finished_at: datetime | None


class JobAcceptedOut(BaseModel):
    """The job that works on what was sent."""

    job: JobOut
