"""schemathesis against the real service: no operation fails, or answers as it does not document."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from app.api.docs.openapi import describe
from app.main import create_app
from app.server import Server, Stated, opened
from tests.whole import KEY
from tests.whole import settings as make_settings

pytestmark = pytest.mark.slow
HOME = "/v1/collections/default"
HEADERS = {"Authorization": f"Bearer {KEY}"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
    allow_header_conformance,
]
COLLECTIONS = {
    "addDocuments": ["other"],
    "addFiles": ["other"],
    "deleteCollection": ["other"],
    "search": ["default", "other"],
    "ask": ["default", "other"],
}
"""Where an operation is done; in `default` stands what others are about."""
UNSAID = {
    # That no id stands twice, and that a database is where its URL says.
    "addDocuments": (positive_data_acceptance,),
    "addSqlSource": (positive_data_acceptance,),
    # Which of the messages is the question.
    "createChatCompletion": (positive_data_acceptance,),
    # Which files are taken; and in a form everything is text, so what is no string becomes one.
    "addFiles": (positive_data_acceptance, negative_data_rejection),
}
"""What JSON Schema cannot say of an operation, and the checks that this makes void."""
WORLD = [
    {
        "id": "bridge",
        "title": "Nine Heron Bridge",
        "text": "The Nine Heron Bridge was designed by Isaura Venn. It has four piers.",
        "metadata": {"lang": "en", "year": 1887, "tags": ["bridges", "rivers"]},
    },
    {
        "id": "venn",
        "title": "Isaura Venn",
        "text": "Isaura Venn was the daughter of Tobias Venn, a clockmaker in Callowby.",
        "metadata": {"lang": "de", "year": 1850, "draft": True},
    },
]


@dataclass
class House:
    """The running service, and the ids of what it holds."""

    url: str
    folder: Path
    ids: dict[str, str]

    def restore(self, operation: str, answer: Any) -> None:
        """Undo what a request did to what others are about."""
        if operation.startswith(("delete", "revoke")) and answer.status_code == 204:
            self.fill()
        elif operation == "createCollection" and answer.status_code == 201:
            with httpx.Client(base_url=self.url, headers=HEADERS, timeout=60) as client:
                client.delete(answer.headers["location"][0])

    def fill(self) -> None:
        """Put everything there that is not there (any more)."""
        with httpx.Client(base_url=self.url, headers=HEADERS, timeout=60) as client:
            client.post("/v1/collections", json={"name": "other"})
            posted = client.post(f"{HOME}/documents?wait=60", json={"documents": WORLD})
            source = {"name": "shop", "url": f"sqlite:///{self.folder}/shop.db"}
            client.post(f"{HOME}/sql-sources", json=source)
            asked = client.post(f"{HOME}/ask", json={"question": "Who designed the bridge?"})
            made = client.post("/v1/api-keys", json={"scopes": ["read"]})
            self.ids = {
                "the-job": posted.json()["job"]["id"],
                "the-answer": asked.json()["id"],
                "the-key": made.json()["id"],
            }
            for path in ("/v1/jobs", f"{HOME}/documents"):
                cursor = client.get(f"{path}?limit=1").json()["next_cursor"]
                self.ids[f"the-cursor-of-{path.replace('default', '{collection}')}"] = cursor


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The whole service on a free port, with documents, a table, an answer and a job in it."""
    folder = tmp_path_factory.mktemp("whole")
    door = socket.create_server(("127.0.0.1", 0))
    servers: list[Server] = []

    async def main() -> None:
        # Concurrency is not what is tested; a disk limit would be the machine's.
        app = create_app(make_settings(folder / "data", limits={"free_bytes": 0}))
        async with opened(app) as state:
            config = uvicorn.Config(
                Stated(app, state), lifespan="off", log_config=None, access_log=False
            )
            servers.append(Server(config))
            await servers[0].serve([door])

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    made = House(f"http://127.0.0.1:{door.getsockname()[1]}", folder, {})
    with closing(sqlite3.connect(folder / "shop.db")) as connection:
        connection.executescript(
            "CREATE TABLE boats (name TEXT, toll INTEGER);"
            "INSERT INTO boats VALUES ('Marigold', 40), ('Marigold', 54), ('Patience', 7);"
        )
    try:
        made.fill()
        made.fill()  # a second job, so that there is a cursor
        yield made
    finally:
        for server in servers:
            server.should_exit = True
        thread.join(60)


def _schema(mode: str) -> Any:
    """Generates valid ("positive") or invalid requests; a valid one names what exists."""
    known = {
        "document_id": ["bridge", "venn"],
        "name": ["shop"],
        "job_id": ["the-job"],
        "answer_id": ["the-answer"],
        "key_id": ["the-key"],
    }
    document = dict(describe(create_app(make_settings(Path("unused")))))
    chat = document["components"]["schemas"]["ChatIn"]["properties"]
    chat["model"] = {"type": "string", "enum": ["default", "anabranch"]}
    # Without a model server, what is required of one is refused.
    document["components"]["schemas"]["LfdIn"]["properties"]["required"] = {"const": False}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            known["collection"] = COLLECTIONS.get(operation["operationId"], ["default"])
            for parameter in operation.get("parameters", ()):
                name = parameter["name"]
                if name in known:
                    parameter.pop("example", None)
                    parameter["schema"] = {"type": "string", "enum": known[name]}
                elif name == "after":
                    parameter["schema"] = {"enum": [f"the-cursor-of-{path}", None]}
    # The key is put in by the test: one that is taken away would not be missed.
    chosen = {"mode": mode, "with-security-parameters": False}
    config = SchemathesisConfig.from_dict({"generation": chosen})
    return schemathesis.openapi.from_dict(document, config=config)


def examples(count: int) -> Any:
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@_schema("positive").parametrize()
@examples(60)
def test_a_valid_request_is_served_as_documented(case: Any, house: House) -> None:
    check(case, house)


@_schema("negative").parametrize()
@examples(40)
def test_an_invalid_request_is_refused_as_documented(case: Any, house: House) -> None:
    check(case, house)


def check(case: Any, house: House) -> None:
    operation = case.operation.definition.raw["operationId"]
    void = set(UNSAID.get(operation, ()))
    if case.query and str(case.query.get("after", "")) in house.ids:
        # Whatever else is wrong with the query would be judged together with the true cursor.
        void.add(negative_data_rejection)
        case.path_parameters.update(dict.fromkeys(case.path_parameters, "default"))
    if ParameterLocation.BODY in _negated(case):
        case.path_parameters.update(dict.fromkeys(case.path_parameters, "other"))  # no lone 404
    for values in (case.path_parameters, case.query):
        for name, value in (values or {}).items():
            values[name] = house.ids.get(value, value) if isinstance(value, str) else value
    answer = case.call(base_url=house.url, headers=HEADERS)
    case.validate_response(answer, checks=[check for check in CHECKS if check not in void])
    house.restore(operation, answer)


def _negated(case: Any) -> set[ParameterLocation]:
    parts = case.meta.components.items()
    return {location for location, part in parts if part.mode.is_negative}
