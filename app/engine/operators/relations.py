"""What the words of a node ask of its name."""

from __future__ import annotations

import re

from app.domain.plan import Expects
from app.engine.operators.statements import Relation

_WORK_WORDS = """
film films movie movies album albums song songs single novel novels book books series game
documentary play opera magazine
"""
WORKS = frozenset(_WORK_WORDS.split())
"""Words for what is released."""
_PERSON_WORDS = """
who whose person director directors producer actor actress singer performer composer author writer
"""
_PERSONS = frozenset(_PERSON_WORDS.split())
_ASKS_FOR: tuple[tuple[str, tuple[Relation, ...]], ...] = (
    (r"lived? longer|longest lived|lifespan|lived (?:the )?longest", ("life",)),
    (r"died|death|dies|die|passed away|deceased", ("death",)),
    (r"birth ?place|place of birth|born (?:in|at) the same", ("birthplace", "birth")),
    (r"born|birth\w*", ("birth", "birthplace")),
    (r"nationalit\w+|countr(?:y|ies)|citizenship|nation", ("country",)),
    (r"released?|published|came out|premiered|publication|aired", ("release", "founding")),
    (
        r"founded|established|formed|opened|built|started|created|launched|began|begun"
        r"|completed|constructed|incorporated|inaugurated|introduced|organi[sz]ed|founding",
        ("founding", "release"),
    ),
    (r"occupations?|professions?|careers?|jobs?|genres?", ("occupation",)),
    (r"older|oldest|younger|youngest|elder|eldest|age", ("birth", "founding", "release")),
    (
        r"first|earlier|earliest|later|latest|newer|newest|recent\w*|last",
        ("release", "founding", "birth"),
    ),
    (r"popul\w+|inhabitants", ("population",)),
    (
        r"higher|highest|taller|tallest|longer|longest|deeper|shorter|height|elevation|length|high"
        r"|tall|long",
        ("extent",),
    ),
    (r"located|situated|based|headquarter\w*", ("place",)),
)
"""What words ask of a name; the first that fit what is expected decide."""
_RELATIONS = tuple((re.compile(rf"\b(?:{words})\b"), found) for words, found in _ASKS_FOR)
_FITS: dict[Expects, frozenset[Relation]] = {
    "date": frozenset(("birth", "death", "release", "founding")),
    "number": frozenset(("life", "extent", "population")),
    "place": frozenset(("country", "birthplace", "place")),
    "text": frozenset(("birth", "death", "release", "founding", "country", "birthplace", "place",
                       "occupation", "life")),
    "entity": frozenset(("country", "birthplace", "place", "occupation")),
}  # fmt: skip


def relations(asking: str, expects: Expects) -> tuple[Relation, ...]:
    """What the words ask of a name, the likeliest first, as far as it fits what is expected."""
    fitting = _FITS.get(expects, frozenset())
    for pattern, relations in _RELATIONS:
        if pattern.search(asking):
            found = tuple(relation for relation in relations if relation in fitting)
            if found:
                words = frozenset(asking.split())
                if "birth" not in found or len(found) == 1:
                    return found
                # A director is older by birth; a film that is older was released earlier.
                if words & _PERSONS:
                    return ("birth",)
                works = bool(words & WORKS)
                return tuple(one for one in found if one != "birth") if works else found
    return ()
