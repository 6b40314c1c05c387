"""Scores spans as short answers: by their look, their words, and what stands around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from app.engine.reading.choice import Links, Sentences
from app.engine.reading.passage import Passage, folded
from app.engine.reading.question import Asked, Kind
from app.engine.reading.relations import RELATED
from app.engine.reading.spans import MONTH, Span, spans
from app.engine.reading.words import STOP_WORDS, Word, content, stem

_YEAR = re.compile(r"\d{4}")
_MONTH_FIRST = re.compile(rf"{MONTH}\b")
_BRACKET = re.compile(r"\([^()]*\)")
_OVER = re.compile(r"[–—]| - |--|\bd\.|\bdied")
_DEMONYM = re.compile(r"[A-Z]\w+(?:ian|ean|ese|ish|can|ch)")
_NATIONALITY = frozenset(map(stem, ("nationality", "citizenship")))
_COUNTRY = frozenset(map(stem, ("country", "nation")))
_GROUPS = MappingProxyType(
    {
        **dict.fromkeys(("in", "at", "near", "from", "on"), "in"),
        **dict.fromkeys(("is", "was", "are", "were", "be", "as", "called", "named"), "is"),
        **dict.fromkeys(("the", "a", "an"), "the"),
        **dict.fromkeys(("to", "because", "for"), "to"),
        **{word: word for word in ("by", "of", "(", ",")},
    }
)  # fmt: skip


def _after() -> Mapping[Kind, Mapping[str, float]]:
    return {
        "date": {"in": -0.2, "(": -0.2},
        "number": {"is": 0.2, "to": 0.2, ",": -0.2},
        "person": {"by": 1.5, "is": 0.2, "the": -0.6, "in": -0.4, ",": -0.3, "of": -0.1},
        "place": {"in": 1.0, ",": 1.0, "of": 0.3, "the": 0.3, "is": -0.3, "(": -0.1},
        "name": {"is": 0.4, "of": -0.2, "the": -0.1, "in": -0.1},
    }


@dataclass(frozen=True, slots=True)
class ShortOptions:
    """Weights of a conditional logit over spans, and how sure the best one must be.

    Fitted on half of the development questions of XQuAD, MuSiQue (and its sub-questions), HotpotQA,
    2WikiMultihopQA (and its facts) and rounded.
    """

    floors: Mapping[Kind, float] = field(
        default_factory=lambda: {
            "date": 0.4, "number": 0.4, "person": 0.45, "place": 0.4, "name": 0.5,
        }
    )  # fmt: skip
    """Least probability of a span that is given as the short answer, by kind of question."""
    nothing: Mapping[Kind, float] = field(
        default_factory=lambda: {
            "date": 1.0, "number": 1.2, "person": 2.5, "place": 2.0, "name": 2.0,
        }
    )  # fmt: skip
    """Score of giving none, so that a lone poor span is not certain."""
    more_sentences: int = 3  # best sentences read beside the chosen ones

    share: float = 0.6  # the sentence's own probability
    chosen: float = 0.8  # the sentence was chosen
    order: float = -0.4  # per sentence chosen before it
    near: float = 0.9  # the question's weight around the span, falling with distance
    near_open: float = 0.9  # the same for what no other chosen passage covers
    cue: float = 0.9  # a related or asked-for word shortly before the span
    cue_open: float = 1.3  # the same for what no other chosen passage covers
    known: float = -0.7  # share of the span's words that the question says
    all_known: float = -1.0
    linked: float = 1.0  # another chosen sentence names this passage: the end of a chain
    links: float = -0.4  # this sentence names another passage: the middle of a chain
    question_names: float = -1.1  # the question names this passage: the start of a chain
    title: float = 0.7  # the span is the passage's title
    bridge: float = -1.5  # the span is a title that a chosen sentence names: the middle of a chain
    title_part: float = -0.2
    opening: float = 0.4  # the span opens its sentence …
    opening_alone: float = -0.1  # … and is one word, which may be capitalised for that only
    after: Mapping[Kind, Mapping[str, float]] = field(default_factory=_after)
    """Word or sign right before the span, by kind."""
    width: Mapping[Kind, float] = field(default_factory=lambda: {"person": 0.25, "place": -1.4})
    """Per sixth word of the span."""
    bracket: Mapping[Kind, float] = field(
        default_factory=lambda: {"date": 0.1, "person": -0.55, "place": -0.4}
    )
    unit: float = 0.5  # what is counted follows at once ("twelve *boats*")
    capitals: float = 0.6  # every word of a name is capitalised
    full_name: float = 1.0  # a person of two or three words
    with_country: float = -0.6  # a place with a comma
    month: float = -0.9  # a name that begins like a date
    demonym: float = -0.9
    nationality: float = 1.7  # a demonym where one is asked for
    quoted: float = 0.3
    birth: float = 0.7  # born: a date in brackets before any dash …
    birth_late: float = -0.5  # … and not after it
    death_late: float = 1.1


class SpanScorer:
    """Scores the spans of one sentence."""

    def __init__(
        self,
        asked: Asked,
        sentences: Sentences,
        picks: Sequence[int],
        row: int,
        order: int,
        links: Links,
        options: ShortOptions,
    ) -> None:
        p, n = sentences.places[row]
        self._passage: Passage = sentences.passages[p]
        self._line = self._passage.lines[n]
        self._asked, self._options = asked, options
        terms = frozenset(asked.terms)
        others = [pick for pick in picks if sentences.places[pick][0] != p]
        self._bridges = {sentences.passages[other].name for other in links.to(picks)}
        elsewhere = frozenset().union(*(sentences.held[pick] for pick in others))
        fresh = terms - elsewhere
        cues = _related(terms) | asked.head
        open_cues = _related(fresh) | fresh
        self._near: list[tuple[int, float, float]] = []  # word, weight, weight while open
        self._cues: list[tuple[int, bool, bool]] = []
        for i, word in enumerate(self._line.words):
            if word.stem in terms:
                weight = sentences.weights[word.stem]
                self._near.append((i, weight, weight if word.stem in fresh else 0.0))
            if word.stem in cues or word.stem in open_cues:
                self._cues.append((i, word.stem in cues, word.stem in open_cues))
        self._base = (
            options.share * float(sentences.shares[row])
            + options.chosen * (row in picks)
            + options.order * order
            + options.linked * (p in links.to(others))
            + options.links * bool(links.to([row]))
            + options.question_names * links.named[p]
        )
        self._brackets = [
            match.span()
            for match in _BRACKET.finditer(self._passage.text, self._line.start, self._line.end)
        ]

    def spans(self) -> list[Span]:
        """The sentence's candidates."""
        return spans(self._asked.kind, self._passage.text, self._line.start, self._line.end)

    def score(self, span: Span) -> float:
        """Comparable between all sentences of one question."""
        options, words = self._options, self._line.words
        inside = [i for i, word in enumerate(words) if span.start <= word.start < span.end]
        first, last = (inside[0], inside[-1]) if inside else (0, 0)
        near = near_open = cue = cue_open = 0.0
        for i, weight, open_weight in self._near:
            gap = first - i if i < first else i - last
            if gap > 0:
                near += weight / (1 + gap / 4)
                near_open += open_weight / (1 + gap / 4)
        for i, related, open_related in self._cues:
            if i < first:
                closeness = 1 / (1 + (first - i) / 3)
                cue = max(cue, closeness * related)
                cue_open = max(cue_open, closeness * open_related)
        return (
            self._base
            + options.near * near
            + options.near_open * near_open
            + options.cue * cue
            + options.cue_open * cue_open
            + self._by_words(span)
            + self._by_place(span, words[first - 1] if first else None, len(inside))
            + self._by_kind(span, words[last + 1] if last + 1 < len(words) else None, len(inside))
        )

    def _by_words(self, span: Span) -> float:
        options = self._options
        said = self._passage.text[span.start : span.end]
        stems = content(said)
        known = sum(stem in self._asked.terms for stem in stems) / max(1, len(stems))
        titled = bool(stems) and all(stem in self._passage.title_stems for stem in stems)
        return (
            options.known * known
            + options.all_known * (known == 1)
            + options.title * (folded(said) == self._passage.name)
            + options.bridge * (folded(said) in self._bridges)
            + options.title_part * titled
        )

    def _by_place(self, span: Span, before: Word | None, width: int) -> float:
        options, kind, text = self._options, self._asked.kind, self._passage.text
        sign = text[before.end : span.start] if before else text[self._line.start : span.start]
        word = text[before.start : before.end].lower() if before else ""
        group = "(" if "(" in sign else "," if "," in sign else _GROUPS.get(word, "")
        opens = span.start == self._line.start
        return (
            options.after.get(kind, {}).get(group, 0.0)
            + options.width.get(kind, 0.0) * min(width, 6) / 6
            + options.bracket.get(kind, 0.0) * bool(self._bracket(span))
            + options.opening * opens
            + options.opening_alone * (opens and width == 1)
        )

    def _by_kind(self, span: Span, after: Word | None, width: int) -> float:
        options, kind, text = self._options, self._asked.kind, self._passage.text
        said = text[span.start : span.end]
        if kind == "date":
            return self._life(span)
        if kind == "number":
            if after is None or text[span.end : after.start].strip():
                return 0.0
            return options.unit * (after.stem in self._asked.head)
        capital = all(word[0].isupper() for word in said.split() if word.lower() not in STOP_WORDS)
        score = options.capitals * capital + options.quoted * (span.look == "quoted")
        score += options.month * bool(_MONTH_FIRST.match(said))
        if _DEMONYM.fullmatch(said):
            if not _NATIONALITY.isdisjoint(self._asked.terms):
                score += options.nationality
            elif _COUNTRY.isdisjoint(self._asked.head):
                score += options.demonym
        if kind == "person":
            score += options.full_name * (2 <= width <= 3)
        if kind == "place":
            score += options.with_country * ("," in said)
        return score

    def _life(self, span: Span) -> float:
        """Dates of a life in brackets: birth before the dash, death after it."""
        options, bracket = self._options, self._bracket(span)
        if bracket is None:
            return 0.0
        late = bool(_OVER.search(self._passage.text, bracket[0], span.start))
        if "birth" in self._asked.terms:
            return options.birth_late if late else options.birth
        return options.death_late * (late and "dea" in self._asked.terms)

    def _bracket(self, span: Span) -> tuple[int, int] | None:
        return next((b for b in self._brackets if b[0] < span.start < b[1]), None)


def _related(terms: frozenset[str]) -> frozenset[str]:
    return frozenset().union(*(RELATED.get(term, frozenset()) for term in terms))
