"""What may go wrong for a caller. Classes carry no status; `api/problems.py` maps them.

AnabranchError
├── Unauthenticated        no key, or one that is not known
├── Forbidden              the key lacks the scope
├── NotFound               unknown, deleted or another tenant's: the caller cannot tell which
├── Conflict               the state of the thing forbids it (taken name, another embedder)
├── TooLarge               beyond a size limit
├── UnsupportedMedia       bytes of a type that no parser takes
├── Rejected               well-formed but unusable (a bad filter, refused SQL, white space only)
├── Overloaded             try again after `retry_after_s`
├── NoEvidence             no retriever could answer
├── StorageUnavailable     the disk is full or the database is locked or away
└── Misconfigured          start refused; the text names the setting
"""

from __future__ import annotations


class AnabranchError(Exception):
    """Base of the errors that are raised on purpose.

    Args:
        detail: One sentence for the caller that names the fix where there is one.
        code: The problem's slug; None takes the class's default in the problem table.
    """

    def __init__(self, detail: str, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


class Unauthenticated(AnabranchError):
    """No API key was sent, or the one sent is unknown or revoked."""


class Forbidden(AnabranchError):
    """The key is known but lacks the scope of this operation."""


class NotFound(AnabranchError):
    """Unknown or foreign; the text must not tell which."""


class Conflict(AnabranchError):
    """The present state forbids the operation."""


class TooLarge(AnabranchError):
    """A body, file, text or list beyond its limit."""


class UnsupportedMedia(AnabranchError):
    """A file or body of a type that is not taken."""


class Rejected(AnabranchError):
    """The value is well-formed but cannot be used.

    Args:
        at: JSON pointer of the offending value, if one value is to blame.
    """

    def __init__(self, detail: str, code: str | None = None, at: str | None = None) -> None:
        super().__init__(detail, code)
        self.at = at


class Overloaded(AnabranchError):
    """Too much at once."""

    def __init__(self, detail: str, retry_after_s: float, code: str | None = None) -> None:
        super().__init__(detail, code)
        self.retry_after_s = retry_after_s


class NoEvidence(AnabranchError):
    """Every retriever failed."""


class StorageUnavailable(AnabranchError):
    """Nothing was written; the same request may be sent again."""


class Misconfigured(AnabranchError):
    """The service cannot start with these settings or this data directory."""
