"""Settings: one tree, read once from the environment and `.env`, refused when anything is unknown.

Precedence: defaults < `.env` < environment. Prefix `ANABRANCH_`, groups joined by `__`. A secret
may instead be read from a file: `ANABRANCH_API_KEYS_FILE=/run/secrets/keys`.
"""

from __future__ import annotations

from app.settings.reading import leaves, load, names
from app.settings.tree import Channel, Settings

__all__ = ["Channel", "Settings", "leaves", "load", "names"]
