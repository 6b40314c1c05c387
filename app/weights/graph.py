"""A BERT sentence encoder as an ONNX graph over a safetensors file, made without torch.

The graph takes token ids and the attention mask (int64, [batch, tokens]) and returns unit vectors
[batch, hidden]: embeddings, post-norm encoder layers, mean over the mask, L2 norm. Only standard
operators are used; onnxruntime fuses them itself.

The graph holds no weights. It refers to the tensors inside `model.safetensors` by offset (ONNX
external data), so nothing is copied, the file stays mapped, and only the rows of the vocabulary
that are looked up ever become resident.

Source: Devlin et al., NAACL 2019 (encoder); Reimers & Gurevych, EMNLP 2019 (mean pooling).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from app.weights.pins import BUILDER
from retrievers.embedders.safetensors import Tensor, UnusableModel, tensors

OPSETS = {"": 17, "com.microsoft": 1}
IR_VERSION = 8  # what belongs to opset 17; onnx would write its newest, which older runtimes refuse

_SUPPORTED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
_NEEDED = ("hidden_size", "num_attention_heads", "num_hidden_layers", "layer_norm_eps")
_MASKED = -1e4  # added to the scores of padding; exp() of it is 0 in float32


class Encoder:
    """The graph under construction; every method but `model` adds nodes and returns its output.

    Args:
        config: The model's `config.json`.
        file: Its weights; the graph will look for them under this name beside itself.

    Raises:
        UnusableModel: Damaged files, or a model that is no plain BERT encoder in float32.
    """

    def __init__(self, config: Mapping[str, Any], file: Path) -> None:
        for key, value in _SUPPORTED.items():
            if config.get(key, value) != value:
                raise UnusableModel(
                    f"config.json: {key} is {config[key]!r}, only {value!r} will do"
                )
        if missing := [key for key in _NEEDED if key not in config]:
            raise UnusableModel(f"config.json lacks {', '.join(missing)}")
        self.file = file
        self._config, self._weights = config, tensors(file)
        self._prefix = "bert." if any(name.startswith("bert.") for name in self._weights) else ""
        self._heads = int(config["num_attention_heads"])
        self._width = int(config["hidden_size"])
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def model(self) -> ModelProto:
        """The whole graph."""
        self.share()
        hidden = self.embed()
        for number in range(self._config["num_hidden_layers"]):
            layer = f"encoder.layer.{number}"
            mixed = self.attend(hidden, f"{layer}.attention.self")
            hidden = self.add_and_norm(mixed, hidden, f"{layer}.attention.output")
            inner = self.gelu(self.dense(hidden, f"{layer}.intermediate.dense"), layer)
            hidden = self.add_and_norm(inner, hidden, f"{layer}.output")
        self.pool(hidden)
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        output = helper.make_tensor_value_info(
            "embedding", TensorProto.FLOAT, ["batch", self._width]
        )
        body = helper.make_graph(
            self.nodes, "sentence-encoder", inputs, [output], list(self.constants.values())
        )
        return helper.make_model(
            body,
            opset_imports=[helper.make_opsetid(*own) for own in OPSETS.items()],
            ir_version=IR_VERSION,
            model_version=BUILDER,
            producer_name="anabranch",
        )

    def share(self) -> None:
        """The constants and the additive mask that every layer uses."""
        width, heads = self._width, self._heads
        integers = {"zero": [0], "one_row": [1], "row_axis": [1], "head_axes": [1, 2]}
        integers |= {"split": [0, 0, heads, width // heads], "merge": [0, 0, width]}
        for name, value in integers.items():
            self.constant(name, np.array(value, np.int64))
        scalars = {"one": 1.0, "half": 0.5, "tiny": 1e-12, "masked": _MASKED}
        scalars |= {"root_of_two": 2**0.5, "root_of_width": (width // heads) ** 0.5}
        for name, number in scalars.items():
            self.constant(name, np.array(number, np.float32))
        self.op("Cast", ["attention_mask"], "kept", to=TensorProto.FLOAT)
        self.op("Unsqueeze", ["kept", "head_axes"], "kept_by_head")
        self.op("Sub", ["one", "kept_by_head"], "dropped")
        self.op("Mul", ["dropped", "masked"], "mask")

    def embed(self) -> str:
        """Word, position and first segment, normalised."""
        words = self.weight("embeddings.word_embeddings.weight")
        places = self.weight("embeddings.position_embeddings.weight")
        segments = self.weight("embeddings.token_type_embeddings.weight")
        self.op("Gather", [words, "input_ids"], "word")
        self.op("Shape", ["input_ids"], "length", start=1, end=2)
        self.op("Slice", [places, "zero", "length"], "place")
        self.op("Slice", [segments, "zero", "one_row"], "segment")
        self.op("Add", ["place", "segment"], "place_and_segment")
        self.op("Add", ["word", "place_and_segment"], "embedded")
        return self._norm("embedded", "embeddings.LayerNorm")

    def attend(self, hidden: str, layer: str) -> str:
        """Scaled dot-product attention over the heads, before its output layer."""
        query = self._split(self.dense(hidden, f"{layer}.query"), f"{layer}.query", (0, 2, 1, 3))
        key = self._split(self.dense(hidden, f"{layer}.key"), f"{layer}.key", (0, 2, 3, 1))
        value = self._split(self.dense(hidden, f"{layer}.value"), f"{layer}.value", (0, 2, 1, 3))
        dots = self.op("MatMul", [query, key], f"{layer}.dots")
        scores = self.op("Div", [dots, "root_of_width"], f"{layer}.scores")
        seen = self.op("Add", [scores, "mask"], f"{layer}.seen")
        shares = self.op("Softmax", [seen], f"{layer}.shares", axis=-1)
        mixed = self.op("MatMul", [shares, value], f"{layer}.mixed")
        rows = self.op("Transpose", [mixed], f"{layer}.rows", perm=(0, 2, 1, 3))
        return self.op("Reshape", [rows, "merge"], f"{layer}.out")

    def dense(self, source: str, layer: str) -> str:
        """`x Wᵀ + b`; torch keeps W as [out, in]. The transposition is folded at load."""
        weight = self.weight(f"{layer}.weight")
        turned = self.op("Transpose", [weight], f"{layer}.turned", perm=(1, 0))
        product = self.op("MatMul", [source, turned], f"{layer}.product")
        return self.op("Add", [product, self.weight(f"{layer}.bias")], f"{layer}.sum")

    def add_and_norm(self, source: str, residual: str, block: str) -> str:
        """Dense layer, residual connection and layer norm, as BERT ends each half-layer."""
        added = self.op("Add", [self.dense(source, f"{block}.dense"), residual], f"{block}.added")
        return self._norm(added, f"{block}.LayerNorm")

    def gelu(self, source: str, layer: str) -> str:
        """The exact form with erf, not the tanh approximation."""
        scaled = self.op("Div", [source, "root_of_two"], f"{layer}.gelu.scaled")
        error = self.op("Erf", [scaled], f"{layer}.gelu.erf")
        gate = self.op("Add", [error, "one"], f"{layer}.gelu.gate")
        gated = self.op("Mul", [source, gate], f"{layer}.gelu.gated")
        return self.op("Mul", [gated, "half"], f"{layer}.gelu.out")

    def pool(self, hidden: str) -> None:
        """Sum over the kept tokens at unit length: the count of a mean would cancel out."""
        self.op("Unsqueeze", ["kept", "row_axis"], "kept_row")
        self.op("MatMul", ["kept_row", hidden], "pooled_row")
        self.op("Squeeze", ["pooled_row", "row_axis"], "pooled")
        self.op("ReduceL2", ["pooled"], "norm", axes=[1], keepdims=1)
        self.op("Max", ["norm", "tiny"], "norm_floor")
        self.op("Div", ["pooled", "norm_floor"], "embedding")

    def _split(self, source: str, layer: str, order: Sequence[int]) -> str:
        heads = self.op("Reshape", [source, "split"], f"{layer}.heads")
        return self.op("Transpose", [heads], f"{layer}.view", perm=order)

    def _norm(self, source: str, layer: str) -> str:
        inputs = [source, self.weight(f"{layer}.weight"), self.weight(f"{layer}.bias")]
        epsilon = float(self._config["layer_norm_eps"])
        return self.op("LayerNormalization", inputs, f"{layer}.out", axis=-1, epsilon=epsilon)

    def op(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add one operator."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: np.ndarray[Any, Any]) -> None:
        """Add a tensor that the graph itself holds."""
        self.constants[name] = numpy_helper.from_array(value, name)

    def weight(self, name: str) -> str:
        """Refer to a tensor of the weights file."""
        tensor = self.tensor(name)
        proto = TensorProto(
            name=name,
            data_type=TensorProto.FLOAT,
            dims=tensor.shape,
            data_location=TensorProto.EXTERNAL,
        )
        place = {"location": self.file.name, "offset": tensor.offset, "length": tensor.length}
        for key, value in place.items():
            proto.external_data.add(key=key, value=str(value))
        self.constants[name] = proto
        return name

    def tensor(self, name: str) -> Tensor:
        """Where a float32 tensor of the weights file stands."""
        tensor = self._weights.get(self._prefix + name)
        if tensor is None:
            raise UnusableModel(f"{self.file.name} lacks the tensor {name}")
        if tensor.kind != "F32":
            raise UnusableModel(f"{self.file.name}: {name} is {tensor.kind}, only F32 will do")
        return tensor
