"""`anabranch models fetch`."""

from __future__ import annotations

from argparse import Namespace

from app.cli.output import err, out
from app.cli.session import settings_of
from app.domain.errors import AnabranchError


class NoWeights(AnabranchError):
    """The weights could not be had; the text names the ways."""


def run(arguments: Namespace) -> int:
    """Download, verify and convert the encoder's weights."""
    from app.weights.fetch import WeightsUnavailable, fetch

    settings = settings_of(arguments)
    remarks = err()
    try:
        with remarks.status("Looking for the weights") as status:
            folder = fetch(arguments.folder or settings.weights_dir, status.update)
    except WeightsUnavailable as error:
        raise NoWeights(str(error)) from error
    out().print(f"The encoder is ready in {folder}", markup=False)
    return 0
