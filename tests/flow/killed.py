"""A process that takes documents in until it is killed. Says in a journal what it was promised.

    python tests/flow/killed.py FOLDER SEED [DATABASE_URL]

Before each request a line says what is asked for, after it another one that it was granted; each
line is on disk before the next step.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from ingesting import House, house

from app.domain.documents import Source
from app.domain.errors import NotFound
from app.ingest.indexers import IndexersOptions

JOURNAL = "journal.jsonl"
OFTEN = IndexersOptions(flush_every_s=0.5, idle_s=0.1, gather_s=0.01)


class Journal:
    """What was asked for and granted, over all lives."""

    def __init__(self, folder: Path) -> None:
        self.promised: dict[str, str | None] = {}  # id -> text; None: deleted
        self.open: dict[str, set[str | None]] = {}  # asked for since, and never granted
        self._path = folder / JOURNAL
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        for line in lines:
            self._follow(json.loads(line))

    def write(self, **entry: Any) -> None:
        """Note it durably."""
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._follow(entry)

    def _follow(self, entry: dict[str, Any]) -> None:
        for id, text in entry.get("asked", {}).items():
            self.open.setdefault(id, set()).add(text)
        for id, text in entry.get("granted", {}).items():
            self.promised[id] = text
            self.open.pop(id, None)


async def live(home: House, journal: Journal, dice: random.Random) -> None:
    """Put, replace and delete at random, without end."""
    number = len(journal.promised)
    while True:
        known = [id for id, text in journal.promised.items() if text is not None]
        if known and dice.random() < 0.25:
            id = dice.choice(known)
            journal.write(asked={id: None})
            try:
                await home.ingest.delete(home.here.id, id)
            except NotFound:
                pass  # an earlier life's request was carried out and never granted, or not yet
            else:
                journal.write(granted={id: None})
            continue
        wanted: dict[str, str | None] = {}
        for _ in range(dice.choice((1, 3, 40))):
            if known and dice.random() < 0.3:
                id = dice.choice(known)
            else:
                id, number = f"d{number}-{dice.randrange(10**6)}", number + 1
            wanted[id] = f"The word {dice.getrandbits(60):x}x stands in a text of its own."
        journal.write(asked=wanted)
        sources = [Source(id, "", "text/plain", text or "") for id, text in wanted.items()]
        job = await home.ingest.accept(home.here, sources)
        journal.write(granted=wanted)
        if dice.random() < 0.3:
            await home.ingest.wait(job.id, 5)


async def main() -> None:
    """Open the folder and go on."""
    folder, dice = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
    async with house(folder, indexing=OFTEN, truth="".join(sys.argv[3:])) as home:
        sys.stdout.write("open\n")
        sys.stdout.flush()
        await live(home, Journal(folder), dice)


if __name__ == "__main__":
    asyncio.run(main())
