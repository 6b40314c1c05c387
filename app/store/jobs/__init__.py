"""Background work under leases."""

from __future__ import annotations

from app.store.jobs.leases import Lease, LeaseLost
from app.store.jobs.store import Backlog, Jobs

__all__ = ["Backlog", "Jobs", "Lease", "LeaseLost"]
