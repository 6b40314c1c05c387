"""Imports the configured retrievers and opens them with their own options."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import NoneType
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from app.domain.errors import Misconfigured
from app.settings import Channel


def backend(
    name: str, channel: Channel, *given: Any, options: Mapping[str, Any] | None = None
) -> Any:
    """An object of the class that `channel.use` names.

    A backend that is not configured is never imported, so its libraries need not be installed.

    Args:
        given: Positional arguments before the backend's options.
        options: What we add to the options of the settings.

    Raises:
        Misconfigured: No such class, a missing package, or an option the backend does not know.
    """
    setting = f"ANABRANCH_RETRIEVERS__{name.upper()}"
    module, _, attribute = channel.use.partition(":")
    try:
        made = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise Misconfigured(f"{setting}__USE={channel.use}: {error}") from error
    except AttributeError as error:
        raise Misconfigured(f"{setting}__USE: {module} has no {attribute}") from error
    wanted = {**channel.options, **(options or {})}
    kind = _kind_of_options(made)
    if kind is None:
        if channel.options:
            raise Misconfigured(f"{setting}__OPTIONS: {channel.use} takes no options")
        return made(*given)
    try:
        return made(*given, TypeAdapter(kind).validate_python(wanted))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise Misconfigured(f"{setting}__OPTIONS: {faults}") from error


def _kind_of_options(made: Any) -> Any | None:
    hint = get_type_hints(made.__init__).get("options")
    kinds = [part for part in get_args(hint) if part is not NoneType]
    return kinds[0] if kinds else hint
