"""What the wording of a question says about how many hops it takes. Pure counts, no model.

Measured on 153 development questions of two to four hops: Spearman with the hops .70 for the
number of words as well as for `depth`. The spread of a normalised embedding says nothing (-.05).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from app.engine.plan import comparison
from app.engine.plan.lexicon import LEAST_WORDS, MOST_WORDS, ROLES
from app.engine.plan.tokens import read

LONGEST_READ = 2_000
"""Characters of a question that are counted."""

_WORD = re.compile(r"\w+")
_POSSESSIVE = re.compile(r"['\u2019]s\b")
_CLAUSE_WORDS = frozenset(("who", "whom", "whose", "which", "what", "where", "when", "how", "that"))
_RELATIVES = frozenset(("who", "whom", "whose", "which", "where", "that"))
_PARTICIPLES = frozenset(("born", "built", "held", "known", "made", "sung", "won", "written"))
_PREPOSITIONS = frozenset(("at", "by", "for", "from", "in", "on", "to", "with"))
_COMPARING = (
    LEAST_WORDS
    | MOST_WORDS
    | frozenset(("also", "before", "after", "between", "both", "either", "or", "same", "than"))
    | frozenset(("common", "share", "shared", "sharing"))
)
_MORE_RELATIONS = """artist screenwriter star host voice grandson granddaughter nephew niece cousin
stepmother stepfather"""
_RELATIONS = ROLES | frozenset(_MORE_RELATIONS.split())
_NAME = re.compile(
    r"[A-Z][\w'\u2019&.-]*(?: (?:(?:of|the|de|von|van|and) )?[A-Z\d][\w'\u2019&.-]*)*"
)
_OR = re.compile(r"\bor\b")
_ROLE_REACH = 3
"""Words behind a "the" among which its role noun stands: "the second eldest daughter"."""


class _Nobody:
    """No index: the wording alone is read."""

    def known(self, key: str) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Surface:
    """Counts over the words of one question; goes into the trace."""

    words: int
    clauses: int  # wh-words and "that"
    of: int
    possessives: int
    participles: int  # with a preposition: "born in"
    roles: int  # "the … director"
    comparing: int  # comparison and ordering words
    relatives: int = 0  # words that open a clause, behind the second word
    relations: int = 0  # nouns that relate one thing to another, with and without an article
    names: int = 0  # capitalised runs behind the first word; 0 where nothing is capitalised
    cased: bool = False  # whether anything is capitalised behind the first word
    choice: bool = False  # "…, A or B"
    both: bool = False  # "both" or "same"
    compared: bool = False  # the planner's rules see two things compared

    @property
    def depth(self) -> float:
        """Grows with the hops: 3.2, 4.6 and 6.4 on average for two, three and four."""
        return (
            self.clauses
            + 0.7 * (self.of + self.possessives + self.participles)
            + self.roles
            + 0.3 * self.comparing
        )


def surface(question: str) -> Surface:
    """Count. Any text will do."""
    question = question[:LONGEST_READ]
    lower = question.lower()
    words = _WORD.findall(lower)
    names = _NAME.findall(question.strip().partition(" ")[2])
    return Surface(
        words=len(words),
        clauses=sum(word in _CLAUSE_WORDS for word in words),
        of=words.count("of"),
        possessives=len(_POSSESSIVE.findall(lower)),
        participles=sum(
            (word in _PARTICIPLES or word.endswith("ed")) and follows in _PREPOSITIONS
            for word, follows in pairwise(words)
        ),
        roles=sum(
            word == "the" and not ROLES.isdisjoint(words[place + 1 : place + 1 + _ROLE_REACH])
            for place, word in enumerate(words)
        ),
        comparing=sum(word in _COMPARING for word in words),
        relatives=sum(word in _RELATIVES for word in words[2:]),
        relations=sum(word in _RELATIONS or word.removesuffix("s") in _RELATIONS for word in words),
        names=len(names),
        cased=bool(names),
        choice=bool(_OR.search(lower.partition(", ")[2])),
        both="both" in words or "same" in words,
        compared=comparison.find(read(question, _Nobody())) is not None,
    )
