"""The truth: collections, documents and their versions, chunks, marks, jobs, keys, answers.

Deploy: before the code.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "answers",
    "sql_sources",
    "api_keys",
    "job_items",
    "jobs",
    "stale",
    "embeddings",
    "version_chunks",
    "chunks",
    "contents",
    "versions",
    "documents",
    "collections",
)


def upgrade() -> None:
    op.create_table(
        "collections",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("embedder", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_collections"),
        sqlite_autoincrement=True,
    )
    _index("uq_collections_name", "collections", ["name"], "deleted_at IS NULL", unique=True)

    op.create_table(
        "documents",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("collection", ROW_ID, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_documents"),
        _references("documents", "collection", "collections.id"),
        sqlite_autoincrement=True,
    )
    _index(
        "uq_documents_collection_public_id",
        "documents",
        ["collection", "public_id"],
        "deleted_at IS NULL",
        unique=True,
    )
    _index("ix_documents_collection_created_at", "documents", ["collection", "created_at"])
    _index("ix_documents_deleted_at", "documents", ["deleted_at"], "deleted_at IS NOT NULL")

    op.create_table(
        "versions",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("document", ROW_ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_versions"),
        sa.UniqueConstraint("document", "seq", name="uq_versions_document_seq"),
        _references("versions", "document", "documents.id"),
        sqlite_autoincrement=True,
    )
    _index("uq_versions_document", "versions", ["document"], "state = 'live'", unique=True)
    _index("ix_versions_retired_at", "versions", ["retired_at"], "state = 'retired'")

    op.create_table(
        "contents",
        sa.Column("version", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("version", name="pk_contents"),
        _references("contents", "version", "versions.id"),
    )

    op.create_table(
        "chunks",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("collection", sa.BigInteger(), nullable=False),
        sa.Column("document", ROW_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("candidates", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_chunks"),
        sa.UniqueConstraint("document", "key", name="uq_chunks_document_key"),
        _references("chunks", "document", "documents.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_chunks_collection_id", "chunks", ["collection", "id"])

    op.create_table(
        "version_chunks",
        sa.Column("chunk", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("version", ROW_ID, nullable=False, autoincrement=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("embed_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chunk", "version", name="pk_version_chunks"),
        _references("version_chunks", "chunk", "chunks.id"),
        _references("version_chunks", "version", "versions.id"),
        sqlite_with_rowid=False,
    )
    _index("ix_version_chunks_version", "version_chunks", ["version"])
    _index("ix_version_chunks_embed_hash", "version_chunks", ["embed_hash"])

    op.create_table(
        "embeddings",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", "encoder", name="pk_embeddings"),
    )

    op.create_table(
        "stale",
        sa.Column("projection", sa.String(32), nullable=False),
        sa.Column("document", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("collection", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("projection", "document", name="pk_stale"),
        sqlite_with_rowid=False,
    )
    _index("ix_stale_projection_collection", "stale", ["projection", "collection", "document"])
    _index("ix_stale_document", "stale", ["document"])

    op.create_table(
        "jobs",
        sa.Column("number", ROW_ID, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("collection", ROW_ID, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(32), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("lease_token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("number", name="pk_jobs"),
        sa.UniqueConstraint("id", name="uq_jobs_id"),
        _references("jobs", "collection", "collections.id"),
        sqlite_autoincrement=True,
    )
    _index("ix_jobs_status_number", "jobs", ["status", "number"])
    _index("ix_jobs_collection_created_at", "jobs", ["collection", "created_at"])

    op.create_table(
        "job_items",
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger()),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.PrimaryKeyConstraint("job", "ordinal", name="pk_job_items"),
        _references("job_items", "job", "jobs.id"),
    )
    _index("ix_job_items_job_state", "job_items", ["job", "state", "ordinal"])
    _index("ix_job_items_version", "job_items", ["version"])

    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("lookup", sa.String(8), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("collections", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("bootstrap", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    _index("ix_api_keys_lookup", "api_keys", ["lookup"])

    op.create_table(
        "sql_sources",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("collection", ROW_ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("tables", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sql_sources"),
        sa.UniqueConstraint("collection", "name", name="uq_sql_sources_collection_name"),
        _references("sql_sources", "collection", "collections.id"),
        sqlite_autoincrement=True,
    )

    op.create_table(
        "answers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("collection", ROW_ID, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("trace", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
        _references("answers", "collection", "collections.id"),
    )
    _index("ix_answers_created_at", "answers", ["created_at"])
    _index("ix_answers_collection", "answers", ["collection"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _references(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}")


def _index(
    name: str, table: str, columns: list[str], where: str | None = None, unique: bool = False
) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )
