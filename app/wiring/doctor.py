"""How the open service is, and what can be repaired while it is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from app.domain.errors import StorageUnavailable
from app.domain.hit import Degraded
from app.generation.policy import LfdPolicy
from app.generation.watch import FIRST_S
from app.ingest.indexers import Indexers
from app.store.documents import Documents
from app.store.integrity import damage
from app.store.session import Database
from app.store.stale import StaleMarks
from app.wiring.language import Language
from retrievers.errors import RetrieverError
from retrievers.protocol import Health, Retriever

MUCH_LAG = 10_000
"""Documents not yet durable in an index above which it counts as degraded."""


@dataclass(frozen=True, slots=True)
class Doctor:
    """Health of each component, and what can be checked and repaired.

    Args:
        projections: Names of the channels that are images of the truth.
        notice: What stands in for the encoder, if something does.
        language: The language model, if one is configured.
        lfd: What is known of its layer-fused decoding.
    """

    database: Database
    documents: Documents
    marks: StaleMarks
    indexers: Indexers
    retrievers: Mapping[str, Retriever]
    projections: tuple[str, ...]
    notice: Degraded | None
    language: Language | None
    lfd: LfdPolicy

    async def health(self) -> Mapping[str, Health]:
        """Component to its state; a few small queries."""
        found = {"database": await _tried(self._database)}
        for name, retriever in self.retrievers.items():
            found[name] = await _tried(retriever.health)
        rebuilding = {name for name, _ in self.indexers.rebuilding}
        for name in rebuilding & found.keys():
            found[name] = Health("degraded", "an index is being rebuilt")
        if found["database"].status == "ok":
            for name in self.projections:
                lag = await self.marks.lag(name)
                if lag > MUCH_LAG and found[name].status == "ok":
                    found[name] = Health("degraded", f"{lag} documents behind")
        embedder = Health("degraded", self.notice.reason) if self.notice else Health("ok")
        model = {"llm": await self.language.health()} if self.language else {}
        lfd = self.lfd.health()
        # Without a model there is nothing to tell, unless the settings require it all the same.
        fused = {"lfd": lfd} if self.language or lfd.status == "down" else {}
        return {**found, "embedder": embedder, **model, **fused}

    async def examine(self) -> Mapping[str, Health]:
        """Verify the database, rebuild what is damaged, apply what is pending, remove leftovers."""
        rebuilt = {name for name, _ in self.indexers.rebuilding}
        await self.indexers.rebuilt()
        behind = {name: await self.marks.lag(name) for name in self.projections}
        for name in self.projections:
            for collection in await self.marks.collections(name):
                await self.indexers.settle(collection)
        await self.indexers.flush()
        removed = 0
        while count := await self.documents.purge(grace_s=0):
            removed += count
        await self.lfd.probed_once(FIRST_S)
        found = dict(await self.health())
        if faults := await damage(self.database):
            found["database"] = Health("down", "; ".join(faults))
        elif found["database"].status == "ok":
            detail = f"{removed} leftover versions removed" if removed else "intact"
            found["database"] = Health("ok", detail)
        for name in self.projections:
            if found[name].status == "ok":
                said = "was damaged or missing, rebuilt" if name in rebuilt else "verified"
                late = f", {behind[name]} documents brought up to date" if behind[name] else ""
                found[name] = Health("ok", said + late)
        return found

    async def _database(self) -> Health:
        async with self.database.read() as connection:
            await connection.exec_driver_sql("SELECT 1")
        return Health("ok", self.database.dialect)


async def _tried(ask: Callable[[], Awaitable[Health]]) -> Health:
    try:
        return await ask()
    except (RetrieverError, StorageUnavailable) as error:
        return Health("down", str(error))
