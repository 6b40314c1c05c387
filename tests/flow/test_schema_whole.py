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
EXAMPLES = 40
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
UNSAID = {
    # That no id stands twice, and that a database is where its URL says.
    "addDocuments": (positive_data_acceptance,),
    "addSqlSource": (positive_data_acceptance,),
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
                "(job)": posted.json()["job"]["id"],
                "(answer)": asked.json()["id"],
                "(key)": made.json()["id"],
            }
            for path in ("/v1/jobs", f"{HOME}/documents"):
                cursor = client.get(f"{path}?limit=1").json()["next_cursor"]
                self.ids[f"({path.replace('default', '{collection}')})"] = cursor


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


def _narrowed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with parameters that name things which exist, as often as not."""
    known = {
        "collection": ["default", "other"],
        "document_id": ["bridge", "venn"],
        "name": ["shop"],
        "job_id": ["(job)"],
        "answer_id": ["(answer)"],
        "key_id": ["(key)"],
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                name, given = parameter["name"], parameter["schema"]
                if name in known:
                    parameter["schema"] = {"anyOf": [{"enum": known[name]}, given]}
                elif name == "after":
                    parameter["schema"] = {"enum": [f"({path})", None]}
    return document


schema = schemathesis.openapi.from_dict(
    _narrowed(dict(describe(create_app(make_settings(Path("unused")))))),
    # The key is put in by the test: one that is taken away would not be missed.
    config=SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}}),
)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented(case: Any, house: House) -> None:
    void = set(UNSAID.get(case.operation.definition.raw["operationId"], ()))
    if case.query and str(case.query.get("after", "")) in house.ids:
        # What was generated as a wrong value would be judged by its form.
        void.add(negative_data_rejection)
        case.path_parameters.update(dict.fromkeys(case.path_parameters, "default"))
    for values in (case.path_parameters, case.query):
        for name, value in (values or {}).items():
            values[name] = house.ids.get(value, value) if isinstance(value, str) else value
    answer = case.call(base_url=house.url, headers=HEADERS)
    case.validate_response(answer, checks=[check for check in CHECKS if check not in void])
    if case.method == "DELETE" and answer.status_code == 204:
        house.fill()
