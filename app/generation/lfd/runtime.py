"""Where the logits processor of a vLLM process finds that process's model.

vLLM builds both by itself and gives neither to the other, so they meet here: the one state of this
package that is not in an object. Nothing is kept alive by it.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

_MODELS: WeakValueDictionary[str, Any] = WeakValueDictionary()


def put(instance_id: str, model: Any) -> None:
    """Make the model of a `VllmConfig.instance_id` known."""
    _MODELS[instance_id] = model


def get(instance_id: str) -> Any | None:
    """The model, if it is one of ours and still there."""
    return _MODELS.get(instance_id)
