"""What a server may not start with, each with the flag that helps."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from app.generation.lfd.layers import candidates
from app.generation.lfd.refusals import WAY_OUT, refuse, unsupported


def config(**parallel: Any) -> Any:
    """As vLLM makes it of no flag at all."""
    usual = {
        "pipeline_parallel_size": 1,
        "enable_batch_sharded_sampling": False,
        "enable_dbo": False,
        "ubatch_size": 0,
        "prefill_context_parallel_size": 1,
    }
    return SimpleNamespace(
        parallel_config=SimpleNamespace(**{**usual, **parallel}),
        speculative_config=None,
        lora_config=None,
    )


def with_speculation() -> Any:
    made = config()
    made.speculative_config = SimpleNamespace(method="ngram")
    return made


def with_adapters() -> Any:
    made = config()
    made.lora_config = SimpleNamespace(max_loras=1)
    return made


REFUSED = {
    "--pipeline-parallel-size": config(pipeline_parallel_size=2),
    "--speculative-config": with_speculation(),
    "--enable-batch-sharded-sampling": config(enable_batch_sharded_sampling=True),
    "--enable-dbo": config(enable_dbo=True),
    "--ubatch-size": config(ubatch_size=2),
    "--prefill-context-parallel-size": config(prefill_context_parallel_size=2),
    "--enable-lora": with_adapters(),
}


@pytest.mark.parametrize("flag", REFUSED)
def test_each_combination_is_refused_by_its_flag_and_the_way_out(flag: str) -> None:
    with pytest.raises(ValueError, match=f"{flag}.*; {WAY_OUT}$") as refused:
        refuse(REFUSED[flag])
    others = [
        other
        for other in REFUSED
        if other in str(refused.value) and {flag, other} != {"--enable-dbo", "--ubatch-size"}
    ]
    assert others == [flag]


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = config(pipeline_parallel_size=4, enable_dbo=True)
    wrong.lora_config = SimpleNamespace(max_loras=1)
    assert len(unsupported(wrong)) == 3
    with pytest.raises(
        ValueError, match=r"--pipeline-parallel-size 1.*--enable-dbo.*--enable-lora"
    ):
        refuse(wrong)


@pytest.mark.parametrize(
    "accepted",
    [
        config(),
        config(tensor_parallel_size=2, data_parallel_size=2),
        config(enable_batch_sharded_sampling=None),
        config(ubatch_size=1),
    ],
)
def test_what_works_is_not_refused(accepted: Any) -> None:
    assert unsupported(accepted) == []
    refuse(accepted)


def test_a_model_without_an_intermediate_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="no layer from 2 to 1 is an intermediate one of 2"):
        candidates(2)
