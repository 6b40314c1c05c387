"""What a question asks for, read from its words alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from app.engine.reading.words import Word, content, words

Kind = Literal["date", "number", "person", "place", "name", "reason", "verdict", "text"]

LONGEST_READ = 2_000
"""Characters of a question that are read for what it asks; all of it is searched for."""
MOST_TERMS = 64

_ASKING = re.compile(r"\b(?:whom?|whose|what|which|when|where|why|how)\b")
_AUXILIARY_WORDS = """
is are was were be been do does did has have had can could will would shall should may might must
s 's
"""
_AUXILIARY = frozenset(_AUXILIARY_WORDS.split())
_BEING = frozenset(("is", "are", "was", "were", "be", "been", "s", "'s"))
_LEADING = _AUXILIARY | {
    "in",
    "on",
    "at",
    "of",
    "for",
    "from",
    "by",
    "with",
    "to",
    "the",
    "and",
    "so",
}
_DETERMINERS = frozenset(
    ("the", "a", "an", "this", "that", "these", "those", "two", "three", "some")
)
_ENDING_WORDS = """
of in on at for from by with to and or that who which as into than between during after before when
where while if about
"""
_PHRASE_ENDS = _AUXILIARY | frozenset(_ENDING_WORDS.split())
_MEASURE = re.compile(
    r"how (?:many|much|old|long|far|tall|large|big|high|fast|deep|wide|heavy|few)\b"
)
_REASON = re.compile(r"\bwhy\b|\bhow\b|\bwhat (?:caus|happen)")
_NOUN_STEMS: tuple[tuple[Kind, str], ...] = (
    ("date", r"year|dates?\b|day|month|centur|decade|when|time\b|birthda|era\b"),
    (
        "number",
        r"percent|number|amount|population|proportion|total|average|size|height|length|width"
        r"|depth|distance|area|speed|temperature|capacity|rate|score|cost|price|quantit",
    ),
    (
        "place",
        r"countr|cit(?:y|ies)\b|place|states?\b|town|villag|count(?:y|ies)\b|region|capital"
        r"|nationalit|island|continent|location|river|birthplace|headquarter|citizenship"
        r"|district|province|territor|port\b|valley|mountain|lake|street|neighbo",
    ),
    (
        "name",
        r"names?\b|film|movie|song|album|book|novel|compan|team|universit|school|college|award"
        r"|language|club|organi[sz]ation|network|label|part(?:y|ies)\b|league|wars?\b|battle"
        r"|show|series|title|ship\b|ships\b|band|group|magazine|newspaper|religion|species"
        r"|brand|treaty|laws?\b|nickname|airport|building|bank\b|bridge",
    ),
    (
        "person",
        r"direct|fath|moth|spous|perform|compos|author|writer|founder|presid|king\b|queen|wife"
        r"|husband|son\b|daughter|child|actor|actress|sing(?:er)|play|produc|edit|screenwr"
        r"|sibl|brother|sister|owner|creator|ruler|leader|coach|artist|person|man\b|woman"
        r"|architect|inventor|engineer|designer|painter|doctor|professor|poet|general\b|scientist|emperor|minist|mayor|govern|keeper"
        r"|grand(?:fath|moth)|aunt|uncle|nephew|niece|cousin|stepmoth|stepfath",
    ),
)
_NOUNS = tuple((kind, re.compile(rf"\b(?:{stems})\w*")) for kind, stems in _NOUN_STEMS)
_AGGREGATE = re.compile(
    r"\bhow (?:many|much)\b|\b(?:total|average|mean|sum|number|count|maximum|minimum)\b"
)
_NAME = re.compile(
    r"(?<![\w'’])[^\W\d_a-z][\w'’&.-]*(?: (?:(?:of|the|de|von|van|der|la|le|di|da|al|and|&) ){0,2}"
    r"(?:[^\W\d_a-z][\w'’&.-]*|\d+))*"
)
_CODE = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[\w]+(?:-[\w]+)*(?![\w-])")
_POSSESSIVE = re.compile(r"['’]s?$")
_QUOTED = re.compile(r"[\"“”]([^\"“”]{2,80})[\"“”]")
_NEVER_FIRST = (
    _LEADING | _DETERMINERS | _PHRASE_ENDS | {"how", "why", "what", "both", "name", "list", "give"}
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the reader sees it."""

    text: str
    kind: Kind
    terms: tuple[str, ...]
    """Distinct content stems in order, at most `MOST_TERMS`."""
    pairs: frozenset[tuple[str, str]]
    """Stems of neighbouring content words."""
    head: frozenset[str]
    """Stems of what is asked for: "which red *bridge* …", "how many *boats* …"."""
    names: tuple[str, ...]
    """Capitalised runs, codes and quoted parts as written, the longest reading of each."""
    aggregate: bool
    """Whether it counts or sums, which tables answer and prose may only seem to."""


def asked(question: str) -> Asked:
    """Read a question. Any text will do; without known question words it asks for `text`."""
    read = question[:LONGEST_READ]
    lower = " ".join(read.lower().split())
    found = words(read)
    stems = [word.stem for word in found if word.stem]
    kind, phrase = _asks_for(lower)
    return Asked(
        text=question,
        kind=kind,
        terms=tuple(dict.fromkeys(stems))[:MOST_TERMS],
        pairs=frozenset(pairwise(stems)),
        head=frozenset(content(" ".join(phrase))),
        names=names(read, found),
        aggregate=bool(_AGGREGATE.search(lower)),
    )


def _asks_for(lower: str) -> tuple[Kind, list[str]]:
    """The kind of answer, and the words of the phrase that names it ("which red bridge")."""
    asking = _asking_word(lower)
    if asking is None:
        verdict = lower.split(" ", 1)[0] in _AUXILIARY
        if verdict and " or " not in lower:
            return "verdict", []
        return _by_noun(" ".join(_phrase(lower)), "text"), []
    word, rest = asking.group(), lower[asking.end() :]
    if measure := _MEASURE.match(lower, asking.start()):
        return "number", _phrase(lower[measure.end() :])
    phrase = _phrase(rest)
    if word in ("who", "whom", "whose"):
        return "person", phrase
    if word in ("when", "where"):
        return ("date" if word == "when" else "place"), []
    if word in ("why", "how"):
        return "reason", []
    return _by_noun(" ".join(phrase), "reason" if _REASON.search(lower) else "text"), phrase


def _asking_word(lower: str) -> re.Match[str] | None:
    """The word that asks, rather than one that opens a relative clause ("the man who …")."""
    found = list(_ASKING.finditer(lower))
    if not found:
        return None
    if all(word.strip(",'") in _LEADING for word in lower[: found[0].start()].split()):
        return found[0]
    for match in reversed(found):
        following = lower[match.end() :].split(maxsplit=1)
        if match.group() == "what" or (
            match.group() == "which" and following and following[0].strip("?,") not in _AUXILIARY
        ):
            return match
    return None if lower.split(" ", 1)[0] in _AUXILIARY else found[0]


def _phrase(rest: str) -> list[str]:
    """The noun phrase at the start; none after "did" and the like, whose subject is not asked."""
    found: list[str] = []
    for raw in rest.split()[:9]:
        word = raw.strip("?,.;:()\"'“”")
        if not found and word in _AUXILIARY - _BEING:
            break
        if not found and (word in _BEING or word in _DETERMINERS):
            continue
        if not word or word in _PHRASE_ENDS or word in _DETERMINERS or len(found) == 4:
            break
        found.append(word.removesuffix("'s").removesuffix("’s"))
        if raw[-1] in "?,.;:'’" or raw.endswith(("'s", "’s")):
            break
    return found


def _by_noun(phrase: str, otherwise: Kind) -> Kind:
    # The last matching noun is the phrase's own: "what film director", "what river city".
    best: tuple[int, Kind] = (-1, otherwise)
    for kind, pattern in _NOUNS:
        for match in pattern.finditer(phrase):
            best = max(best, (match.start(), kind), key=lambda found: found[0])
    return best[1]


def names(text: str, found: list[Word]) -> tuple[str, ...]:
    """Names, codes and quoted phrases of a question; its first word alone is never a name."""
    first = found[0].start if found else 0
    spans = [match.span(1) for match in _QUOTED.finditer(text)]
    spans += [match.span() for match in _CODE.finditer(text)]
    for match in _NAME.finditer(text):
        start, end = match.span()
        run = match.group()
        while run and run.split(" ", 1)[0].lower().rstrip(".'’") in _NEVER_FIRST:
            word, space, run = run.partition(" ")
            start += len(word) + len(space)
        if run and not (start == first and " " not in run and run[1:].islower()):
            spans.append((start, end))
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if not any(a <= start and end <= b for a, b in kept):
            kept.append((start, end))
    cleaned = (_POSSESSIVE.sub("", text[a:b].strip(" .,;:?!'\"")) for a, b in sorted(kept))
    return tuple(dict.fromkeys(name for name in cleaned if len(name) > 1))
