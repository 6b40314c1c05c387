"""What each state of the model's server means under each setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from app.domain.lfd import Probed
from app.generation.policy import LfdOptions, LfdPolicy

pytestmark = pytest.mark.anyio

STATES = ("on", "absent", "broken", "refused", "unknown")


@dataclass
class Known:
    """A proof that is what it is."""

    last: Probed
    known: bool = True

    async def first(self, seconds: float) -> Probed:
        return self.last


def policy(state: Any, mode: Any) -> LfdPolicy:
    reason = "" if state == "on" else "scripted"
    return LfdPolicy(Known(Probed(state, reason)), LfdOptions(mode, 0.1, 1.0, 1))


@pytest.mark.parametrize("mode", ["auto", "off", "require"])
@pytest.mark.parametrize("state", STATES)
def test_only_what_is_required_makes_the_service_unready(state: str, mode: str) -> None:
    health = policy(state, mode).health()
    if state == "on":
        expected = "ok"
    elif mode == "require":
        expected = "down"
    else:
        expected = "degraded" if state == "broken" else "ok"
    assert (health.status, health.probed.state) == (expected, state)


@pytest.mark.parametrize("said", [None, True, False])
@pytest.mark.parametrize("mode", ["auto", "off", "require"])
@pytest.mark.parametrize("state", STATES)
async def test_it_is_wanted_only_where_it_is_on_and_missed_only_by_who_asked(
    state: str, mode: str, said: bool | None
) -> None:
    lfd = await policy(state, mode).settled(said, None, 2.0, 1.0)
    asked = said is True or (said is None and mode == "require")
    assert lfd.asked == asked
    assert lfd.wanted == (state == "on" and (asked or (said is None and mode == "auto")))
    assert bool(lfd.lacking) == (asked and state != "on")
    assert (lfd.alpha, lfd.weight, lfd.every) == (0.1, 2.0, 1)
