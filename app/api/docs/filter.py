"""The filter grammar as JSON Schema; `app.api.filters` is what reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.api.filters import BUILT_IN, KEY, MAX_LEAVES, MAX_VALUE_BYTES, MAX_VALUES

Json = dict[str, Any]

_FILTER = {"$ref": "#/components/schemas/Filter"}
# What counts is bytes of UTF-8, which JSON Schema cannot say: this many if all is ASCII.
_STRING = {"type": "string", "maxLength": MAX_VALUE_BYTES, "pattern": r"^[^\x00]*$"}
_NUMBER = {"type": "number"}
_SCALAR = {"anyOf": [_STRING, _NUMBER, {"type": "boolean"}]}
_STRINGS = {"type": "array", "items": _STRING, "maxItems": MAX_VALUES}
_SCALARS = {"type": "array", "items": _SCALAR, "maxItems": MAX_VALUES}
# `type` is no key of the shorthand: there it says that the form is canonical.
_SHORT_KEY = rf"^(?!type$)({KEY.pattern})$"
_OWN_KEY = {"type": "string", "pattern": f"^{KEY.pattern}$"}
_BUILT_IN = {"type": "string", "enum": sorted(BUILT_IN)}


def _object(properties: Json) -> Json:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _compare(operators: Sequence[str], key: Json, value: Json) -> Json:
    return _object(
        {"type": {"type": "string", "enum": list(operators)}, "key": key, "value": value}
    )


FILTER_SCHEMAS: Json = {
    "Filter": {
        "description": (
            "A condition on metadata, applied inside every retriever. Canonical form, or "
            "shorthand: an object without the member `type` is the conjunction of its members "
            '(`{"lang": "en", "year": [2020, 2021]}`; a list means `in`). Limits: depth 5, 64 '
            "conditions, 1,000 values per list, 1 KB per value."
        ),
        "anyOf": [
            {"$ref": f"#/components/schemas/{name}"}
            for name in ("Shorthand", "Comparison", "Junction", "Negation")
        ],
    },
    "Shorthand": {
        "description": "Every member must hold; a list means: any of these.",
        "type": "object",
        "maxProperties": MAX_LEAVES,
        "propertyNames": {"pattern": _SHORT_KEY},
        "additionalProperties": {"anyOf": [_SCALAR, _SCALARS]},
        "examples": [{"lang": "en", "year": [2020, 2021]}],
    },
    "Comparison": {
        "description": (
            "One condition. A stored value of another type never matches; an absent key matches "
            "only `ne`, `nin` and `exists: false`."
        ),
        "anyOf": [
            _compare(["eq", "ne"], _OWN_KEY, {"anyOf": [_SCALAR, _STRINGS]}),
            _compare(["gt", "gte", "lt", "lte"], _OWN_KEY, {"anyOf": [_STRING, _NUMBER]}),
            _compare(["in", "nin"], _OWN_KEY, _SCALARS),
            _compare(["contains", "prefix"], _OWN_KEY, _STRING),
            _compare(["exists"], {"anyOf": [_OWN_KEY, _BUILT_IN]}, {"type": "boolean"}),
            _compare(["eq", "ne", "gt", "gte", "lt", "lte", "prefix"], _BUILT_IN, _STRING),
            _compare(["in", "nin"], _BUILT_IN, _STRINGS),
        ],
        "examples": [{"type": "gte", "key": "year", "value": 2020}],
    },
    "Junction": _object(
        {
            "type": {"type": "string", "enum": ["and", "or"]},
            "filters": {"type": "array", "items": _FILTER, "minItems": 1, "maxItems": MAX_LEAVES},
        }
    )
    | {"description": "All (`and`) or at least one (`or`) of the filters."},
    "Negation": _object({"type": {"type": "string", "const": "not"}, "filter": _FILTER})
    | {"description": "The exact complement."},
}
