"""How a command reaches the service: over HTTP if one runs, else by opening the data directory."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import httpx

from app.cli.in_process import InProcess
from app.cli.output import err
from app.domain.errors import AnabranchError, Misconfigured
from app.lock import DataDirLock, InUse
from app.settings import Settings, load

TIMEOUT_S = 120.0


class Refused(AnabranchError):
    """The service answered with a problem."""


class Unreachable(AnabranchError):
    """No service answers at the address."""


def settings_of(arguments: Namespace, **given: Any) -> Settings:
    """The settings, with what was typed winning."""
    if arguments.data_dir is not None:
        given["data_dir"] = arguments.data_dir
    return load(**given)


@asynccontextmanager
async def session(arguments: Namespace) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running service, or of one that lives only for this command.

    Raises:
        Misconfigured: A service holds the data directory and no key was given.
    """
    if arguments.url:
        async with remote(arguments.url, _key(arguments, None)) as client:
            yield client
        return
    settings = settings_of(arguments)
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(DataDirLock(settings.data_dir, f"{arguments.module} (one command)"))
        except InUse as error:
            if not error.holder or not error.holder.url:
                raise
            key = _key(arguments, settings)
            yield await stack.enter_async_context(remote(error.holder.url, key))
            return
        yield await stack.enter_async_context(embedded(settings))


@asynccontextmanager
async def remote(url: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running service."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_S) as client:
        yield client


@asynccontextmanager
async def embedded(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The whole service inside this process.

    It is given a key of its own, which is revoked at the end.
    """
    from app.main import create_app
    from app.server import Stated, opened

    app = create_app(settings)
    async with opened(app) as state:
        services = state["edge"].services
        show_first_key(services.first_key, lambda text: err().print(text, markup=False))
        key_id, secret = await services.keys.create({"admin"}, {"*"}, "one command")
        try:
            async with httpx.AsyncClient(
                transport=InProcess(Stated(app, state)),
                base_url="http://in-process",
                headers={"Authorization": f"Bearer {secret}"},
                timeout=TIMEOUT_S,
            ) as client:
                yield client
        finally:
            await services.keys.revoke(key_id)


def show_first_key(secret: str | None, say: Callable[[str], None]) -> None:
    """Print the key made at a first start: it cannot be shown again."""
    if secret:
        say(
            "First start. This admin key is shown once; only a digest of it is kept:\n"
            f"\n    {secret}\n"
        )


async def call(client: httpx.AsyncClient, method: str, path: str, **given: Any) -> dict[str, Any]:
    """The JSON of a response; an empty one for 204.

    Raises:
        Refused: The service answered with a problem.
        Unreachable: It did not answer.
    """
    with reaching(client):
        response = await client.request(method, path, **given)
    if response.is_error:
        raise refusal(response)
    return dict(response.json()) if response.content else {}


@contextmanager
def reaching(client: httpx.AsyncClient) -> Iterator[None]:
    """Around requests: says which service it is that cannot be reached.

    Raises:
        Unreachable: The connection failed.
    """
    try:
        yield
    except httpx.TransportError as error:
        why = str(error) or type(error).__name__
        raise Unreachable(f"no service answers at {client.base_url} ({why})") from error


def refusal(response: httpx.Response) -> Refused:
    """What a response of 4xx or 5xx, which has been read, says."""
    try:
        return refused(response.json())
    except (ValueError, KeyError, TypeError):
        return Refused(f"the answer was {response.status_code} and no problem document")


def refused(problem: Mapping[str, Any]) -> Refused:
    """What a problem document says.

    Raises:
        KeyError: It is none.
    """
    told = f"{problem['title']}: {problem['detail']} ({problem['status']} {problem['code']})"
    return Refused(told)


def _key(arguments: Namespace, settings: Settings | None) -> str:
    if arguments.key:
        return str(arguments.key)
    if key := os.environ.get("ANABRANCH_KEY"):
        return key
    if settings and settings.api_keys:
        return settings.api_keys[0].get_secret_value()
    raise Misconfigured("a running service wants an API key: give --key or set ANABRANCH_KEY")
