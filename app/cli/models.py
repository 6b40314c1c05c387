"""`anabranch models fetch`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from rich.console import Console

from app.cli.output import err, out
from app.cli.session import settings_of
from app.domain.errors import AnabranchError
from app.settings import Settings


class NoWeights(AnabranchError):
    """The weights could not be had; the text names the ways."""


def run(arguments: Namespace) -> int:
    """Download, verify and convert the encoder's weights."""
    settings = settings_of(arguments)
    folder = _fetch(arguments.folder or settings.weights_dir, err())
    out().print(f"The encoder is ready in {folder}", markup=False)
    return 0


def ready(settings: Settings, console: Console) -> None:
    """Fetch the weights if they are wanted and absent; do without them when that fails."""
    if settings.embedder.use != "onnx" or (settings.weights_dir / "model.onnx").is_file():
        return
    try:
        _fetch(settings.weights_dir, console)
    except NoWeights as error:
        console.print(f"Going on without the encoder: {error.detail}", markup=False, style="yellow")


def _fetch(folder: Path, console: Console) -> Path:
    from app.weights.fetch import WeightsUnavailable, fetch

    try:
        with console.status("Looking for the weights") as status:
            return fetch(folder, status.update)
    except WeightsUnavailable as error:
        raise NoWeights(str(error)) from error
