"""The rules that every service of the compose file keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
LASTING = {name for name in SERVICES if name != "migrate"}
OURS = {name for name in SERVICES if name != "postgres"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_have_exact_versions(name: str) -> None:
    service = SERVICES[name]
    built = service.get("build", {}).get("dockerfile_inline", "")
    named = [line.split()[1] for line in built.splitlines() if line.startswith("FROM ")]
    for image in [service["image"], *named]:
        version = image.rpartition(":")[2]
        assert version.count(".") >= 1, image
        assert "latest" not in image


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_are_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == "10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert not any("pip install" in str(part) for part in service.get("command", []))


@pytest.mark.parametrize("name", SERVICES)
def test_resources_and_logs_are_limited_and_volumes_named(name: str) -> None:
    service = SERVICES[name]
    assert {"memory", "cpus"} <= service["deploy"]["resources"]["limits"].keys()
    assert "max-size" in service["logging"]["options"]
    assert all(volume.split(":")[0] in COMPOSE["volumes"] for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", sorted(LASTING))
def test_what_lasts_is_watched_and_ends_in_its_time(name: str) -> None:
    service = SERVICES[name]
    assert "test" in service["healthcheck"]
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"] == "60s"


def test_only_the_api_is_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:${ANABRANCH_PORT:-8000}:8000"]}


def test_the_model_server_is_optional_and_the_pinned_one() -> None:
    from app.generation.lfd import SUPPORTED_VLLM

    server = SERVICES["vllm"]
    assert server["profiles"] == ["gpu"]
    assert "vllm" not in SERVICES["api"]["depends_on"]
    first = server["build"]["dockerfile_inline"].splitlines()[0]
    assert first.rpartition(":v")[2] in SUPPORTED_VLLM
    assert "pip install --no-cache-dir --no-deps ." in server["build"]["dockerfile_inline"]
    assert server["environment"]["ANABRANCH_LFD_REQUIRED"] == "1"
    assert server["deploy"]["resources"]["reservations"]["devices"]


def test_the_extra_names_the_same_version() -> None:
    import tomllib

    from app.generation.lfd import SUPPORTED_VLLM

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (pinned,) = project["optional-dependencies"]["vllm"]
    assert pinned.split(";")[0].removeprefix("vllm==").strip() in SUPPORTED_VLLM
    assert not any("torch" in needed or "vllm" in needed for needed in project["dependencies"])
