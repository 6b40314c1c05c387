"""Tiny random language models with a tokenizer, made on the spot; needs torch and transformers."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
HIDDEN, LAYERS, VOCABULARY = 128, 8, 1_200
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build(folder: Path, family: str, seed: int = 7, **changes: Any) -> Path:
    """Write a model of `family`, in float32, that vLLM and transformers can load.

    Norms and biases are disturbed and the weights are drawn wide: layers as they are initialised
    are so alike that a choice among them would test nothing.

    Args:
        changes: Members of its configuration.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    size = tokenizer(folder, seed)
    torch.manual_seed(seed)
    given: dict[str, Any] = {
        "vocab_size": size,
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": HIDDEN // 4,
        "max_position_embeddings": 2_048,
        "initializer_range": 0.12,
        "tie_word_embeddings": family == "qwen2",
        "bos_token_id": 0,
        "eos_token_id": 1,
        "pad_token_id": 2,
        **({"sliding_window": None} if family == "mistral" else {}),
        **changes,
    }
    config = AutoConfig.for_model(family, **given)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" in name or name.endswith("bias"):
                weight.add_(0.2 * torch.randn_like(weight))
    model.save_pretrained(folder)
    return folder


def tokenizer(folder: Path, seed: int) -> int:
    """A byte-level BPE trained on made-up words; its size."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    draw = random.Random(seed)
    words = ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 3))) for _ in range(4_000)]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<pad>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    made.train_from_iterator([" ".join(words)], trainer)
    folder.mkdir(parents=True, exist_ok=True)
    PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(folder)
    told = folder / "tokenizer_config.json"
    told.write_text(json.dumps({**json.loads(told.read_text()), "chat_template": _TEMPLATE}))
    return made.get_vocab_size()
