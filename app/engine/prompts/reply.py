"""What the schemas of all replies share: strict towards a server, lenient towards a model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


def _closed(schema: dict[str, Any]) -> None:
    schema["additionalProperties"] = False
    schema["required"] = list(schema.get("properties", {}))


class Reply(BaseModel):
    """A JSON object that a model gives back.

    A server that decodes by schema is told to write every member and no other. Of a model behind
    one that does not, further members are ignored, absent ones and nulls have their defaults, and a
    number is read where a text is wanted: none of that is worth another call.
    """

    model_config = ConfigDict(
        extra="ignore", coerce_numbers_to_str=True, json_schema_extra=_closed, frozen=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, said: Any) -> Any:
        if not isinstance(said, dict):
            return said
        return {name: value for name, value in said.items() if value is not None}
