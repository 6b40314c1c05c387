"""Answers one sub-question without a language model: a typed value, and the sentence that holds it.

Pure. A fact that prose states in few ways is read from passages about the thing; any other value is
a span that looks and stands right, as for the short answer of a whole question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.domain.hit import Hit
from app.domain.plan import Expects
from app.engine.operators.aspects import Aspect, aspect
from app.engine.operators.countries import countries
from app.engine.operators.dates import dates
from app.engine.operators.facts import Fact, facts
from app.engine.operators.names import same
from app.engine.operators.quantities import quantities
from app.engine.operators.whether import judged, without_title
from app.engine.reading.choice import choose, score
from app.engine.reading.passage import Passage, folded, mentions, read
from app.engine.reading.question import Asked, Kind, asked
from app.engine.reading.short import candidates
from app.engine.reading.words import content
from app.engine.steps.write import Pick, WriteOptions
from retrievers.types import Chunk

CLOSE = 0.05
"""Probability by which a value must be ahead of the next, or its support is halved."""
_KINDS: MappingProxyType[Expects, Kind] = MappingProxyType(
    {"person": "person", "place": "place", "date": "date", "number": "number", "entity": "name",
     "list": "name"}
)  # fmt: skip
_DATED = frozenset[Aspect](("birth", "death", "release", "start", "end", "age"))
_ENDED = frozenset[Aspect](("death", "life"))
_STRANGE = 0.6
"""Worth of a fact of a thing that the sub-question does not name by its title."""
_HEADED = 0.75
_KINDRED = {"band": ("band", "group", "duo", "trio", "quartet")}
_MEASURED = {
    **dict.fromkeys(
        ("high", "tall", "deep", "wid", "long", "elevation", "height", "length"), "length"
    ),
    **dict.fromkeys(("heav", "weigh"), "mass"),
    **dict.fromkeys(("larg", "area"), "area"),
    "fast": "speed",
}
_COUNTED = re.compile(
    r"\b(?:more|most|fewer|fewest|how many|number of) (?P<noun>[a-z]+(?: [a-z]+)?)"
)
_SAME = re.compile(r"\bsame (?P<head>[a-z]+)", re.IGNORECASE)
_CAPITAL = r"[^\W\d_a-zß-öø-ÿ][\w'\u2019.-]*"
_NO_TERMS = frozenset(("both", "same", "considered"))
_READ = 3
"""First lines of a passage, which say what its subject is."""


@dataclass(frozen=True, slots=True)
class Extract:
    """The value of a sub-question."""

    text: str  # as its passage writes it; "yes" or "no" where that was asked
    pick: Pick  # the sentence that holds it
    support: float
    """Probability that it is right, halved if another value comes close; in [0, 1]."""


def extract(
    text: str, expects: Expects, hits: Sequence[Hit], options: WriteOptions | None = None
) -> Extract | None:
    """The best value for a sub-question; None if nothing of the kind stands in the passages.

    Args:
        text: May be a fragment ("release date of the film"); then `expects` says the kind.
        hits: Best first.
    """
    options = options or WriteOptions()
    chunks = [hit.chunk for hit in hits if hit.chunk is not None][: options.passages]
    passages = [read(chunk.title, chunk.text, chunk.context) for chunk in chunks]
    if not text.strip() or not any(passage.lines for passage in passages):
        return None
    about = _about(text, passages)
    ask = _typed(text, expects)
    if expects == "bool":
        return _whether(text, chunks, passages, about)
    found = _fact(text, expects, chunks, passages, about)
    if found is not None and found.support >= options.short.floors.get(ask.kind, 0.0):
        return found
    if found is None and about and aspect(_without_titles(text, passages)) in _ENDED:
        return None  # the only dates are of other things, above all of the birth
    spans = _span(ask, hits, chunks, passages, options)
    if found is None or (spans is not None and spans.support > found.support):
        return spans
    return found


def _about(text: str, passages: Sequence[Passage]) -> list[int]:
    """Passages whose title the text names, those with the longest such title; may be none."""
    said = folded(text)
    worth = [
        len(folded(p.title)) + 1 if mentions(said, folded(p.title)) else
        len(p.name) if mentions(said, p.name) else 0
        for p in passages
    ]  # fmt: skip
    best = max(worth, default=0)
    return [place for place, length in enumerate(worth) if length and length >= best - 1]


def _typed(text: str, expects: Expects) -> Asked:
    """What the text asks for; the kind is the node's, where it has one."""
    ask = asked(text)
    kind = _KINDS.get(expects, ask.kind)
    head = ask.head
    if match := _SAME.search(text):
        head = head | frozenset(content(match["head"]))
    # Names only tell a choice between two of them, which a sub-question never is.
    return replace(ask, kind=kind, head=head, names=())


def _fact(
    text: str,
    expects: Expects,
    chunks: Sequence[Chunk],
    passages: Sequence[Passage],
    about: Sequence[int],
) -> Extract | None:
    own = [passages[place] for place in about] or list(passages[:1])
    places = list(about) or [0]
    words_left = _without_titles(text, own)
    asks = aspect(words_left)
    if expects == "date" and asks not in _DATED:
        asks = "age"
    if asks in _DATED and expects not in ("date", "text", "number"):
        return None
    if asks == "country" and expects == "number":
        return None
    found = [fact._replace(passage=places[fact.passage]) for fact in facts(asks, own)]
    found += _headed(text, own, places)
    if expects == "number" and asks not in _DATED:
        found += _measured(text, own, places)
    if not about:
        found = [fact._replace(probability=_STRANGE * fact.probability) for fact in found]
    return _best(found, asks, chunks, passages)


def _without_titles(text: str, passages: Sequence[Passage]) -> str:
    """The text without the name of what it asks about: "First Blood" asks for nothing."""
    said = folded(text)
    for passage in passages:
        for name in (folded(passage.title), passage.name):
            if name:
                said = f" {said} ".replace(f" {name} ", " ").strip()
    return said


def _headed(text: str, own: Sequence[Passage], places: Sequence[int]) -> list[Fact]:
    """A name beside the noun that says its kind: "the same *province*", "in Kellmark province"."""
    match = _SAME.search(text)
    if match is None:
        return []
    head = re.escape(match["head"])
    name = rf"({_CAPITAL}(?: {_CAPITAL})*)"
    kinds = "|".join(_KINDRED.get(head, (head,)))
    pattern = re.compile(rf"{name} (?:{kinds})\b|\b(?:{kinds}) (?:of |called |named )?{name}")
    found = []
    for place, passage in zip(places, own, strict=True):
        for n, line in enumerate(passage.lines):
            for hit in pattern.finditer(passage.text, line.start, line.end):
                group = 1 if hit[1] else 2
                found.append(Fact(place, n, *hit.span(group), _HEADED))
    return found


def _measured(text: str, own: Sequence[Passage], places: Sequence[int]) -> list[Fact]:
    """A number with the unit that the text's adjective measures, or of what it counts."""
    low = text.lower()
    wanted = frozenset(unit for word, unit in _MEASURED.items() if re.search(rf"\b{word}", low))
    counted = frozenset(content(match["noun"])) if (match := _COUNTED.search(low)) else frozenset()
    found = []
    for place, passage in zip(places, own, strict=True):
        for n, line in enumerate(passage.lines):
            for one in quantities(passage.text[line.start : line.end]):
                told = one.quantity
                fits = told.dimension in wanted or not counted.isdisjoint(told.counted)
                if fits:
                    start, end = one.start + line.start, one.end + line.start
                    found.append(Fact(place, n, start, end, _HEADED - 0.1 * min(n, 3)))
    return found


def _best(
    found: Sequence[Fact], asks: Aspect, chunks: Sequence[Chunk], passages: Sequence[Passage]
) -> Extract | None:
    if not found:
        return None
    first = max(found, key=lambda fact: fact.probability)
    said = passages[first.passage].text[first.start : first.end]
    rivals = [
        fact
        for fact in found
        if fact.probability >= first.probability - CLOSE
        and not _alike(said, passages[fact.passage].text[fact.start : fact.end], asks)
    ]
    support = first.probability / 2 if rivals else first.probability
    return Extract(said, _pick(first, chunks, passages, support), support)


def _alike(one: str, other: str, asks: Aspect) -> bool:
    if asks == "country":
        return bool(countries(one) & countries(other)) or same(one, other)
    if asks in _DATED:
        a, b = dates(one), dates(other)
        return bool(a and b) and not (a[0].when.before(b[0].when) or b[0].when.before(a[0].when))
    return same(one, other)


def _pick(fact: Fact, chunks: Sequence[Chunk], passages: Sequence[Passage], share: float) -> Pick:
    line = passages[fact.passage].lines[fact.line]
    return Pick(chunks[fact.passage], line.start, line.end, line.closed, share)


def _span(
    ask: Asked,
    hits: Sequence[Hit],
    chunks: Sequence[Chunk],
    passages: Sequence[Passage],
    options: WriteOptions,
) -> Extract | None:
    """A span of the asked kind, as for a short answer."""
    kept = [hit for hit in hits if hit.chunk is not None][: options.passages]
    cosines = [
        hit.channels["vector"].score if options.cosines and "vector" in hit.channels else None
        for hit in kept
    ]
    sentences = score(ask, passages, cosines if options.cosines else [], options.choice)
    picks = choose(ask, sentences, options.choice)
    found = candidates(ask, sentences, picks, options.short)
    if not found:
        return None
    best, *others = found
    close = bool(others) and best.probability - others[0].probability <= CLOSE
    support = best.probability / 2 if close else best.probability
    passage = passages[best.passage]
    line = next(
        (one for one in passage.lines if one.start <= best.start and best.end <= one.end), None
    )
    if line is None:
        return None
    pick = Pick(chunks[best.passage], line.start, line.end, line.closed, best.probability)
    return Extract(best.text, pick, min(1.0, support))


def _whether(
    text: str, chunks: Sequence[Chunk], passages: Sequence[Passage], about: Sequence[int]
) -> Extract | None:
    """Whether a statement about a thing holds, by what the first lines of its passages say.

    Silence speaks against it, but weakly; another country than the statement's, or no word of a
    name in it, more strongly.
    """
    found: list[tuple[float, bool, Fact]] = []
    for place in about:
        passage = passages[place]
        bare = without_title(text, passage.title)
        wanted = [t for t in dict.fromkeys(content(bare)) if t not in _NO_TERMS]
        if not wanted:
            continue
        names = [content(name) for name in asked(f"? {bare}").names]
        for n, line in enumerate(passage.lines[:_READ]):
            said = passage.text[line.start : line.end]
            yes, support = judged(bare, said, wanted, line.stems | passage.title_stems, names)
            found.append(
                (support if yes else 0.0, yes, Fact(place, n, line.start, line.end, support))
            )
    if not found:
        return None
    holding = max(found, key=lambda one: one[0])
    best = holding[2] if holding[0] else found[0][2]
    if not best.probability:
        return None
    said = "yes" if holding[0] else "no"
    return Extract(said, _pick(best, chunks, passages, best.probability), best.probability)
