"""`anabranch doctor`: checks what can be checked, repairs what can be rebuilt."""

from __future__ import annotations

import asyncio
import shutil
import sys
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import app
from app.cli.output import out, plain, table
from app.cli.session import settings_of
from app.domain.errors import AnabranchError
from app.lock import DataDirLock
from app.settings import Settings

Verdict = Literal["ok", "repaired", "degraded", "broken"]
COLOURS = {"ok": "green", "repaired": "cyan", "degraded": "yellow", "broken": "red"}
LEAST_FREE = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw."""

    component: str
    verdict: Verdict
    detail: str


def run(arguments: Namespace) -> int:
    """Print one line per check; status 1 when something is broken."""
    settings = settings_of(arguments)
    findings = [_installation(), _disk(settings.data_dir), _weights(settings)]
    with DataDirLock(settings.data_dir, "doctor"):
        findings += asyncio.run(_inside(settings))
    report = table("component", "", "detail")
    for finding in findings:
        colour = COLOURS[finding.verdict]
        report.add_row(
            finding.component, f"[{colour}]{finding.verdict}[/{colour}]", plain(finding.detail)
        )
    out().print(report)
    return 1 if any(finding.verdict == "broken" for finding in findings) else 0


def _installation() -> Finding:
    # The import names `app` and `retrievers` are common: another wheel may have taken them.
    place = Path(app.__file__ or "").resolve().parent
    ours = (place / "cli" / "doctor.py").is_file()
    python = ".".join(map(str, sys.version_info[:3]))
    if ours:
        return Finding("installation", "ok", f"Python {python}, {place}")
    return Finding("installation", "broken", f"`app` is {place}, which is another package's")


def _disk(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    usage = shutil.disk_usage(existing)
    free = f"{usage.free / 1024**3:.1f} GiB free at {existing}"
    enough = usage.free >= max(LEAST_FREE, usage.total // 20)
    return Finding("disk", "ok" if enough else "degraded", free)


def _weights(settings: Settings) -> Finding:
    if settings.embedder.use != "onnx":
        return Finding("encoder", "ok", f"{settings.embedder.use} is configured")
    if (settings.weights_dir / "model.onnx").is_file():
        return Finding("encoder", "ok", str(settings.weights_dir))
    return Finding(
        "encoder", "degraded", f"no weights in {settings.weights_dir}; run: anabranch models fetch"
    )


async def _inside(settings: Settings) -> list[Finding]:
    from app.main import create_app
    from app.server import opened

    application = create_app(settings)
    try:
        async with opened(application) as state:
            services = state["edge"].services
            repaired = await services.doctor()
            found = [Finding(name, _verdict(h), h.detail) for name, h in repaired.items()]
    except AnabranchError as error:
        return [Finding("service", "broken", error.detail)]
    return found


def _verdict(health: Any) -> Verdict:
    if health.status == "down":
        return "broken"
    return "degraded" if health.status == "degraded" else "ok"
