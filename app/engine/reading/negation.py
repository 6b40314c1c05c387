"""Whether a statement denies what a text says, or says what a text denies."""

from __future__ import annotations

import re

from app.engine.reading.words import content

_CUE = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|nowhere|neither|nor|cannot|without)\b|n['’]t\b",
    re.IGNORECASE,
)
_NO_CUE = re.compile(
    r"\b(?:not|no) (?:only|just|merely|until|later|less|more|fewer|longer than|earlier|sooner)\b"
    r"|\bno\. ?\d",
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"\b(?:fail\w*|lack\w*|refus\w*|unable|hardly|scarcely|barely|absen\w*|except\w*|unlike|instead"
    r"|rather|den(?:y|ied|ies)|reject\w*|prevent\w*|impossible|ceas\w*|stopp?\w*|un(?!it|iv|ion|der|til)\w{4,}"
    r"|only|no longer|abandon\w*|avoid\w*|forb\w+|prohibit\w*|ban(?:ned|s)?|few|little)\b",
    re.IGNORECASE,
)
"""Words that can stand behind a statement with "not"."""
_CLAUSE_END = re.compile(
    r"[,;:.!?]|\b(?:but|and|although|though|until|because|while|when|which|who|that|since|so|as)\b",
    re.IGNORECASE,
)


def opposed(statement: str, text: str) -> bool:
    """Whether exactly one of the two denies what the other says.

    Looks at the clause after each "not": what it holds must be, by more than half, in the other
    text. Words that deny without "not" count on the text's side only.
    """
    here, there = _scopes(statement), _scopes(text)
    if here and not there:
        return not _SOFT.search(text) and any(_held(scope, text) for scope in here)
    if there and not here:
        return any(_held(scope, statement) for scope in there)
    return False


def _scopes(text: str) -> list[list[str]]:
    """The content stems of each denied clause."""
    blotted = _NO_CUE.sub(lambda match: " " * len(match.group()), text)
    found = []
    for cue in _CUE.finditer(blotted):
        end = _CLAUSE_END.search(blotted, cue.end())
        if end and end.group().lower() == "until":  # "not used until 1950": used from then on
            continue
        stems = content(blotted[cue.end() : end.start() if end else len(blotted)])
        if not stems:  # "it does not.": what is denied stands before
            begin = max((m.end() for m in _CLAUSE_END.finditer(blotted, 0, cue.start())), default=0)
            stems = content(blotted[begin : cue.start()])
        if stems:
            found.append(stems)
    return found


def _held(scope: list[str], text: str) -> bool:
    stems = set(content(text))
    return 2 * sum(stem in stems for stem in scope) > len(scope)
