"""Public ids: opaque, with a prefix that says what they name."""

from __future__ import annotations

import base64
import hashlib
import secrets


def new_id(prefix: str) -> str:
    """A fresh random id such as `job_k3v…` (100 bits, lower-case base 32)."""
    return f"{prefix}_{_base32(secrets.token_bytes(13))[:20]}"


def chunk_key(collection: str, document_id: str, text: str, occurrence: int) -> str:
    """The content-derived id of a chunk: the same text of the same document keeps it.

    Args:
        occurrence: How many equal chunks stand before it in the document.
    """
    digest = hashlib.blake2b(digest_size=15)
    for part in (collection, document_id, text, str(occurrence)):
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return f"chk_{_base32(digest.digest())}"


def text_hash(text: str) -> str:
    """Identity of a text (hex, 160 bits)."""
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
