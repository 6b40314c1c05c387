"""No order of grants and settlements exceeds a limit."""

from __future__ import annotations

import asyncio
from dataclasses import astuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.model import Prompt, Spent
from app.engine.budget import Budget, Grant, Ledger, Reserve, estimated, prompt_tokens


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


budgets = st.builds(
    Budget,
    seconds=st.floats(0, 60),
    llm_calls=st.integers(0, 12),
    prompt_tokens=st.integers(0, 20_000),
    completion_tokens=st.integers(0, 3_000),
    store_queries=st.integers(0, 8),
)
reserves = st.builds(
    Reserve,
    calls=st.integers(0, 2),
    prompt_tokens=st.integers(0, 6_000),
    completion_tokens=st.integers(0, 800),
)
wanted = st.tuples(st.integers(1, 8_000), st.integers(1, 1_500), st.integers(0, 2), st.booleans())
steps = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), wanted),
        st.tuples(st.just("settle"), st.tuples(st.integers(0, 20), *[st.floats(0, 1)] * 3)),
        st.tuples(st.just("wait"), st.floats(0, 5)),
        st.tuples(st.just("query"), st.none()),
    ),
    max_size=40,
)


def share(grant: Grant, parts: tuple[float, float, float]) -> Spent:
    """A cost of at most what was granted."""
    return Spent(
        int(grant.calls * parts[0]),
        int(grant.prompt_tokens * parts[1]),
        int(grant.completion_tokens * parts[2]),
    )


@settings(deadline=None)  # shared machines stall
@given(budgets, reserves, steps)
def test_no_sequence_exceeds_a_limit(budget: Budget, reserve: Reserve, steps: list) -> None:
    clock = Clock()
    ledger = Ledger(budget, reserve, clock)
    end = clock.now + budget.seconds
    open_grants: list[tuple[Grant, bool]] = []
    paid: list[Spent] = []
    for kind, told in steps:
        if kind == "grant":
            prompt, completion, repairs, writing = told
            grant = ledger.grant(prompt, completion, repairs=repairs, writing=writing)
            if grant is not None:
                open_grants.append((grant, writing))
                assert grant.prompt_tokens >= prompt
                assert 1 <= grant.completion_tokens // grant.calls <= completion
                assert 0 < grant.seconds <= end - clock.now + 1e-9
                assert grant.calls <= 1 + repairs
                if not writing:
                    assert ledger.calls <= budget.llm_calls - reserve.calls
                    assert ledger.prompt_tokens <= budget.prompt_tokens - reserve.prompt_tokens
                    assert (
                        ledger.completion_tokens
                        <= budget.completion_tokens - reserve.completion_tokens
                    )
        elif kind == "settle" and open_grants:
            place, *parts = told
            grant, _ = open_grants.pop(place % len(open_grants))
            spent = share(grant, tuple(parts))
            ledger.settle(grant, spent)
            paid.append(spent)
        elif kind == "wait":
            clock.now += told
        elif kind == "query":
            ledger.query()
        held = [grant for grant, _ in open_grants]
        for limit, name in (
            (budget.llm_calls, "calls"),
            (budget.prompt_tokens, "prompt_tokens"),
            (budget.completion_tokens, "completion_tokens"),
        ):
            account = getattr(ledger, name)
            assert account <= limit
            assert account == sum(getattr(one, name) for one in [*held, *paid])
            assert getattr(ledger.spent, name) == sum(getattr(one, name) for one in paid)
        assert ledger.store_queries <= budget.store_queries


@pytest.mark.anyio
async def test_concurrent_calls_share_one_account() -> None:
    ledger = Ledger(Budget(llm_calls=5), Reserve(calls=1))
    start = asyncio.Event()
    running = peak = 0

    async def call() -> bool:
        nonlocal running, peak
        grant = ledger.grant(100, 100)
        if grant is None:
            return False
        running += 1
        peak = max(peak, running)
        await start.wait()
        running -= 1
        ledger.settle(grant, Spent(1, 100, 50))
        return True

    calls = [asyncio.create_task(call()) for _ in range(9)]
    await asyncio.sleep(0)
    start.set()
    assert sum(await asyncio.gather(*calls)) == peak == 4
    assert ledger.grant(100, 100) is None
    assert ledger.grant(100, 100, writing=True) is not None


@settings(deadline=None)  # shared machines stall
@given(budgets, st.dictionaries(st.sampled_from(list(Budget.__slots__)), st.floats(allow_nan=True)))
def test_a_request_never_raises_a_limit(budget: Budget, asked: dict[str, float]) -> None:
    finite = {name: value for name, value in asked.items() if abs(value) != float("inf")}
    lowered = budget.lowered(**finite)
    for before, after in zip(astuple(budget), astuple(lowered), strict=True):
        assert 0 <= after <= before
        assert type(after) is type(before)


def test_none_leaves_a_limit_and_a_strange_name_is_an_error() -> None:
    assert Budget().lowered(seconds=None, llm_calls=float("inf")) == Budget()
    with pytest.raises(TypeError, match="no such limit: calls"):
        Budget().lowered(calls=3)


def test_what_is_kept_for_writing_is_not_granted_to_steps() -> None:
    ledger = Ledger(Budget(llm_calls=3, prompt_tokens=9_000, completion_tokens=1_000))
    assert ledger.grant(4_000, 100) is None  # of the prompt tokens only 3,000 are free
    assert ledger.grant(1_000, 900) is None  # and of the reply's only 200, less than a quarter
    assert ledger.grant(1_000, 100, repairs=1) is not None
    assert ledger.grant(100, 10) is None  # two calls are debited, the third is kept
    assert ledger.grant(6_000, 800, writing=True) is not None


def test_one_call_is_kept_for_the_answer_and_none_is_none() -> None:
    one = Ledger(Budget(llm_calls=1))
    assert one.grant(100, 100) is None
    assert one.grant(100, 100, repairs=1, writing=True) == Grant(
        1, 100, 100, pytest.approx(18, 0.1)
    )
    assert one.grant(100, 100, writing=True) is None
    assert Ledger(Budget(llm_calls=0)).grant(1, 1, writing=True) is None


def test_a_long_answer_is_cut_to_what_is_left_and_not_refused() -> None:
    ledger = Ledger(Budget())
    grant = ledger.grant(1_000, 50_000, writing=True)
    assert grant is not None
    assert grant.completion_tokens == 3_000


def test_no_call_gets_all_the_time_that_is_left() -> None:
    clock = Clock()
    ledger = Ledger(Budget(seconds=20), clock=clock)
    assert ledger.seconds_for_step == pytest.approx(7.5)
    assert ledger.seconds_for_writing == pytest.approx(18)
    clock.now += 16
    assert ledger.seconds_for_step == 0
    assert ledger.grant(10, 10) is None
    assert ledger.grant(10, 10, writing=True) is not None
    clock.now += 5
    assert ledger.seconds_left == ledger.seconds_for_writing == 0
    assert ledger.grant(10, 10, writing=True) is None


def test_a_server_that_counts_more_than_was_granted_gets_no_other_call() -> None:
    ledger = Ledger(Budget(prompt_tokens=7_000))
    grant = ledger.grant(900, 10)
    assert grant is not None
    ledger.settle(grant, Spent(1, 9_000, 10))
    assert ledger.prompt_tokens_left == 0
    assert ledger.grant(1, 1, writing=True) is None


@settings(deadline=None)  # shared machines stall
@given(st.text())
def test_estimates_do_not_shrink_with_more_text(text: str) -> None:
    assert estimated(text) <= estimated(text + "a") <= estimated(text) + 1
    assert prompt_tokens(Prompt(text, "")) >= estimated(text)
