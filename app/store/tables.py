"""The tables of the truth. The migrations build them; a test finds any difference.

Ids are AUTOINCREMENT or identity columns, so a number that named a row once never names another.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time as microseconds since 1970: sorts, and is the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To microseconds."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From microseconds."""
        return None if value is None else _EPOCH + value * _MICROSECOND


class Json(TypeDecorator[Any]):
    """JSON as ASCII text: either database takes any string in it, a lone surrogate included."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """To text."""
        # `dict` takes the read-only mappings that frozen values carry.
        return None if value is None else json.dumps(value, separators=(",", ":"), default=dict)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """From text."""
        return None if value is None else json.loads(value)


# SQLite autoincrements INTEGER only (it is 64 bits wide there anyway).
RowId = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

collections = Table(
    "collections",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String(63), nullable=False),
    Column("description", Text, nullable=False),
    Column("language", String(16), nullable=False),
    Column("embedder", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),  # raised by all that changes what is visible
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    sqlite_autoincrement=True,
)
Index(
    "uq_collections_name",
    collections.c.name,
    unique=True,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("collection", ForeignKey("collections.id"), nullable=False),
    Column("public_id", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),  # a tombstone; the same public id may live on in a newer row
    sqlite_autoincrement=True,
)
Index(
    "uq_documents_collection_public_id",
    documents.c.collection,
    documents.c.public_id,
    unique=True,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)
Index("ix_documents_collection_created_at", documents.c.collection, documents.c.created_at)
Index(
    "ix_documents_deleted_at",
    documents.c.deleted_at,
    sqlite_where=text("deleted_at IS NOT NULL"),
    postgresql_where=text("deleted_at IS NOT NULL"),
)

versions = Table(
    "versions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("document", ForeignKey("documents.id"), nullable=False),
    Column("seq", Integer, nullable=False),  # counts from 1 within the document
    Column("state", String(8), nullable=False),  # building, live, retired
    Column("job", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of all that was handed in, and the recipe
    Column("characters", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
    UniqueConstraint("document", "seq"),
    sqlite_autoincrement=True,
)
Index(
    "uq_versions_document",
    versions.c.document,
    unique=True,
    sqlite_where=text("state = 'live'"),
    postgresql_where=text("state = 'live'"),
)
Index(
    "ix_versions_retired_at",
    versions.c.retired_at,
    sqlite_where=text("state = 'retired'"),
    postgresql_where=text("state = 'retired'"),
)

contents = Table(
    "contents",
    metadata,
    Column("version", ForeignKey("versions.id"), primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),  # the stored text that offsets point into
    Column("content", LargeBinary),  # the file it was parsed from; null: posted as text
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("collection", BigInteger, nullable=False),
    Column("document", ForeignKey("documents.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("candidates", Json, nullable=False),  # entity candidates: key to count in `text`
    UniqueConstraint("document", "key"),
    sqlite_autoincrement=True,
)
Index("ix_chunks_collection_id", chunks.c.collection, chunks.c.id)

version_chunks = Table(
    "version_chunks",
    metadata,
    # Chunk first: hydration looks a chunk's versions up, and finds all it needs in one place.
    Column("chunk", ForeignKey("chunks.id"), primary_key=True, autoincrement=False),
    Column("version", ForeignKey("versions.id"), primary_key=True, autoincrement=False),
    Column("ordinal", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("context", Text, nullable=False),
    Column("embed_hash", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_version_chunks_version", version_chunks.c.version)
Index("ix_version_chunks_embed_hash", version_chunks.c.embed_hash)

embeddings = Table(
    "embeddings",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("encoder", Text, primary_key=True),
    Column("vector", LargeBinary, nullable=False),  # float32, little endian
)

stale = Table(
    "stale",
    metadata,
    # No foreign keys: marks of removed documents must be able to outlive them.
    Column("projection", String(32), primary_key=True),
    Column("document", BigInteger, primary_key=True, autoincrement=False),
    Column("collection", BigInteger, nullable=False),
    Column("token", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_stale_projection_collection", stale.c.projection, stale.c.collection, stale.c.document)
Index("ix_stale_document", stale.c.document)

jobs = Table(
    "jobs",
    metadata,
    Column("number", RowId, primary_key=True),  # order of arrival, which no clock can promise
    Column("id", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("collection", ForeignKey("collections.id"), nullable=False),
    Column("status", String(16), nullable=False),
    Column("stage", String(32), nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("error", Json),
    Column("attempt", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("lease_owner", Text),
    Column("lease_token", Integer, nullable=False),
    Column("lease_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    UniqueConstraint("id"),
    sqlite_autoincrement=True,
)
Index("ix_jobs_status_number", jobs.c.status, jobs.c.number)
Index("ix_jobs_collection_created_at", jobs.c.collection, jobs.c.created_at)

job_items = Table(
    "job_items",
    metadata,
    Column("job", ForeignKey("jobs.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("public_id", Text, nullable=False),
    Column("version", BigInteger),  # null: unchanged. No foreign key: versions are purged
    Column("state", String(16), nullable=False),  # queued, written, done, failed, unchanged
    Column("attempt", Integer, nullable=False),
    Column("problem", Json),
)
Index("ix_job_items_job_state", job_items.c.job, job_items.c.state, job_items.c.ordinal)
Index("ix_job_items_version", job_items.c.version)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lookup", String(8), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("collections", Json, nullable=False),
    Column("note", Text, nullable=False),
    Column("bootstrap", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    UniqueConstraint("digest"),
)
Index("ix_api_keys_lookup", api_keys.c.lookup)

sql_sources = Table(
    "sql_sources",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("collection", ForeignKey("collections.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("tables", Json),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("collection", "name"),
    sqlite_autoincrement=True,
)

answers = Table(
    "answers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("collection", ForeignKey("collections.id"), nullable=False),
    Column("key_id", Text, nullable=False),
    Column("document", Json, nullable=False),
    Column("trace", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
)
Index("ix_answers_created_at", answers.c.created_at)
Index("ix_answers_collection", answers.c.collection)
