"""A language model that says one text whatever it is asked, on the spot and without training.

Its head answers each token's embedding with the next piece of the text; attention and feed-forward
blocks only add noise. So a real server with random-looking layers writes a known, citable sentence.
"""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path
from typing import Any

from tiny_models import tokenizer

HIDDEN, LAYERS = 256, 4
_SURE = 24.0  # logit of the right piece
_NOISE = 0.04  # of each block, beside an embedding's length of 1


def build(folder: Path, text: str, longest: int) -> Path:
    """Write the model; the last token of its chat template is the one that starts the text.

    Args:
        longest: Tokens of prompt and reply.
    """
    import torch
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    tokenizer(folder, 7)
    told: Any = AutoTokenizer.from_pretrained(folder)
    # A token of its own for each piece, so that each has one that follows it.
    pieces = [f"{word} " for word in text.split(" ")]
    pieces[-1] = pieces[-1].rstrip()
    assert len(set(pieces)) == len(pieces), "a text without repeated words is needed"
    told.add_tokens(pieces)
    told.save_pretrained(folder)
    torch.manual_seed(11)
    config = Qwen2Config(
        vocab_size=len(told),
        hidden_size=HIDDEN,
        intermediate_size=2 * HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=longest,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
    model = Qwen2ForCausalLM(config).float()
    start = told.apply_chat_template(
        [{"role": "user", "content": "?"}], add_generation_prompt=True, return_dict=False
    )[-1]
    chain = [start, *told.convert_tokens_to_ids(pieces), config.eos_token_id]
    with torch.no_grad():
        embedding = torch.nn.functional.normalize(torch.randn(len(told), HIDDEN), dim=-1)
        model.model.embed_tokens.weight.copy_(embedding)
        model.lm_head.weight.zero_()
        for here, following in itertools.pairwise(chain):
            model.lm_head.weight[following] = embedding[here] * _SURE / math.sqrt(HIDDEN)
        for layer in model.model.layers:
            for last in (layer.self_attn.o_proj, layer.mlp.down_proj):
                last.weight.mul_(_NOISE / last.weight.std() / math.sqrt(last.in_features))
    model.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
