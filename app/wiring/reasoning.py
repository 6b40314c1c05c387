"""Builds what splits questions and follows plans, with the thresholds of the settings."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.ranking.appraise import Appraiser
from app.engine.ranking.fanout import Channel
from app.engine.ranking.wave import WaveOptions
from app.engine.reasoning.follow import Executor, FollowOptions
from app.engine.reasoning.lag import Lag, LagOptions
from app.engine.reasoning.loop import Loop, LoopOptions
from app.engine.reasoning.memory import MemoryOptions
from app.engine.reasoning.nodes import NodeOptions, Nodes
from app.engine.reasoning.wordings import Wordings
from app.engine.steps.write import WriteOptions
from app.settings.tree import Reasoning
from retrievers.protocol import Chunks


def reasoner(
    chosen: Reasoning,
    doors: Mapping[str, Channel],
    appraiser: Appraiser,
    chunks: Chunks,
    write: WriteOptions,
) -> Lag:
    """The reasoner over these channels, of which one is the graph."""
    flat = [door for name, door in doors.items() if name not in ("graph", "sql")]
    wordings = Wordings(flat, doors["graph"], doors.get("sql"), appraiser)
    loop = Loop(appraiser.encoder, LoopOptions(repeated=chosen.repeated))
    options = NodeOptions(support=chosen.support, sure_rows=chosen.sure_rows, write=write)
    follow = FollowOptions(
        seconds=chosen.plan_seconds,
        variants=chosen.variants,
        wave=WaveOptions(weight=chosen.guessed_weight, trusted=chosen.trusted_weight),
        memory=MemoryOptions(cosine=chosen.remembered, support=chosen.remembered_support),
    )
    executor = Executor(Nodes(wordings, appraiser, chunks, loop, options), appraiser, follow)
    return Lag(executor, appraiser.graph, loop, LagOptions(hard=chosen.hard))
