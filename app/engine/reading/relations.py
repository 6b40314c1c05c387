"""Words that ask for a relation, and words that state it: "father" is answered by "son of"."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.engine.reading.words import stem

# One relation a line. A word may stand in several.
_TABLE = """\
father mother parent son daughter child born grandfather grandmother
grandfather grandmother grandson granddaughter father mother
spouse widow bride wed consort queen
sibling brother sister twin
director filmmaker
performer singer sing band album single record recorded vocal musician rapper
composer music score soundtrack
author writer written novel book poem
publish release premiere issue
country nationality nation
locate situated lie place where stand
founder establish create start formed open
manufacture maker produce built company
population inhabitants residents people census live
leader head president chief
owner bought acquire purchase belong
start begin open launch
end finish close cease
study educated attend graduate university school college
employer work job
play portray star cast role actor actress voice
big large size biggest largest
long length mile kilometre
tall high height metre feet
old age oldest
cost price pay worth
win victory defeat champion beat
reason cause because due
profession occupation career work job
city town capital village
kill murder assassinate
buried cemetery interred tomb grave
invent discover develop
near border adjacent neighbour
member join belong part
use used purpose
type kind sort form
name nickname
language speak spoken
repair mend fix restore
keeper warden guardian
move carry transport
"""


def _table() -> Mapping[str, frozenset[str]]:
    related: dict[str, set[str]] = {}
    for line in _TABLE.splitlines():
        stems = {stem(word) for word in line.split()} - {""}
        for term in stems:
            related.setdefault(term, set()).update(stems - {term})
    return MappingProxyType({term: frozenset(others) for term, others in related.items()})


RELATED = _table()
"""Stem to the stems that state the same relation from either end; a stem may be absent."""
