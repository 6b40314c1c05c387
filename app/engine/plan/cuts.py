"""Where an inner question may be cut out of an outer one.

Each function finds the last place of its kind: later clauses are inner ones in English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from app.engine.plan.lexicon import (
    ARTICLES,
    AUXILIARIES,
    BEFORE_WHICH,
    BEING,
    FUNCTION_WORDS,
    NAME_PARTICLES,
    NOMINAL_LINKS,
    NOUN_PHRASE_LINKS,
    PARTICIPLES,
    RELATIVES,
    ROLES,
    TRAILING,
)
from app.engine.plan.tokens import POSSESSIVE, Token, has_name

CutKind = Literal["relative", "possessive", "nominal"]

_HEAD_REACH = 7
"""Words between a clause and the article of the noun it belongs to."""
_LONGEST_REST = 3
"""Nameless words left at the end of a question that belong to its last clause."""
_POSSESSIVE_S = re.compile(r"['\u2019]s$")
_ADVERBIAL = frozenset(("when", "where", "how", "why"))
_ASKING = frozenset(("which", "what", "who", "whom", "whose", "where", "when", "how"))
_IRREGULAR = frozenset(
    ("taken", "built", "sold", "made", "begun", "given", "known", "split", "won", "lost", "torn")
)
"""Participles that do not end in "ed", as the main verb of a question in the passive."""
_CLAUSE_VERBS = TRAILING | {"fought", "used", "won"}
_DOING = frozenset(("did", "does", "do"))
_LINKING_VERBS = AUXILIARIES - BEING - {"be"}
_ENDS_NOUN_PHRASE = FUNCTION_WORDS - NOUN_PHRASE_LINKS
_ENDS_NOMINAL = FUNCTION_WORDS - ARTICLES


class Cut(NamedTuple):
    """`tokens[start:end]` may become a node of its own."""

    kind: CutKind
    start: int
    end: int


def cuts(tokens: Sequence[Token]) -> list[Cut]:
    """The cuts that can be made, shortest first: the innermost contains no other.

    Equal lengths: relative, possessive, nominal. A cut never takes all tokens.
    """
    found = (relative(tokens), reduced(tokens), possessive(tokens), nominal(tokens))
    inner = [cut for cut in found if cut and cut.end - cut.start < len(tokens)]
    return sorted(inner, key=lambda cut: cut.end - cut.start)


def relative(tokens: Sequence[Token]) -> Cut | None:
    """`the N (who|which|that|where|…) CLAUSE`, also with a participle for the pronoun."""
    # Only a question like "The state where X died has how many" begins with its noun.
    first = -1 if tokens and _asks_late(tokens) else 0
    for place in range(len(tokens) - 2, 1, -1):
        word, before = tokens[place].low, tokens[place - 1].low
        if word in RELATIVES or (word in PARTICIPLES and before not in FUNCTION_WORDS):
            opens = place - 1 if word == "which" and before in BEFORE_WHICH else place
            for start in range(opens - 1, max(first, opens - _HEAD_REACH - 1), -1):
                if tokens[start].low in ARTICLES:
                    return Cut("relative", start, clause_end(tokens, place + 1))
                if tokens[start].low in _ENDS_NOUN_PHRASE:
                    break
    return None


def reduced(tokens: Sequence[Token]) -> Cut | None:
    """`the N NAME is from`: a relative clause that goes without its pronoun."""
    for start in range(len(tokens) - 3, 0, -1):
        name = start + 1
        while name < min(len(tokens), start + 4) and _plain(tokens[name]):
            name += 1
        if tokens[start].low != "the" or name == start + 1:
            continue
        name += name < len(tokens) and tokens[name].low == "the"
        verbs = end = _name_end(tokens, name)
        while verbs < len(tokens) and _clause_verb(tokens[verbs]):
            verbs += 1
        # "the N NAME is" alone: the question's own verb.
        alone = verbs == end + 1 and tokens[end].low in BEING
        if end > name and verbs > end and not alone:
            return Cut("relative", start, verbs)
    return None


def possessive(tokens: Sequence[Token]) -> Cut | None:
    """`ENTITY's ROLE`; without a known role, the word after the possessive."""
    for place in range(len(tokens) - 1, -1, -1):
        token = tokens[place]
        owner = token.name and POSSESSIVE.search(token.text)
        # A name may end in a small word: "Anna of the hill's dog".
        small_owner = place + 1 < len(tokens) and _POSSESSIVE_S.search(token.text)
        if not (owner or small_owner):
            continue
        end = _role_end(tokens, place)
        if end == place + 1:
            continue
        start = _name_start(tokens, place)
        if tokens[start].name:
            return Cut("possessive", start, end)
    return None


def nominal(tokens: Sequence[Token]) -> Cut | None:
    """`the N (of|by|in|…) ENTITY`, with up to three words for N."""
    last_name = max((place for place, token in enumerate(tokens) if token.name), default=-1)
    # Behind the last name there is nothing to find, however many "the N of" stand there.
    for place in range(min(len(tokens) - 2, last_name - 1), 1, -1):
        if tokens[place].low not in NOMINAL_LINKS:
            continue
        for start in range(place - 1, max(0, place - 5), -1):
            # A "The" with a capital is part of a name.
            if tokens[start].low in _ENDS_NOMINAL or tokens[start].name:
                break
            if tokens[start].low == "the":
                return Cut("nominal", start, clause_end(tokens, place + 1, trailing=False))
    return None


def clause_end(tokens: Sequence[Token], start: int, *, trailing: bool = True) -> int:
    """Where the clause that begins at `start` ends.

    It reaches to its last name, or to the verb of the main clause that goes on behind its first
    names. Without a name it reaches to the end.

    Args:
        trailing: Whether verbs and prepositions after the last name belong to it.
    """
    last = _last_name(tokens, start)
    if last is None:
        return len(tokens)
    verb = _main_verb(tokens, start, trailing=trailing)
    if verb is None and trailing:
        verb = _late_verb(tokens, start)
    if verb is not None:
        return verb
    end = last + 1
    if not trailing:
        return end
    while end < len(tokens) and tokens[end].bare in TRAILING:
        end += 1
    rest = tokens[end:]
    # "When did the city that … win": a main verb is still to come.
    asks_by_do = any(token.low in _DOING for token in tokens[:start])
    if len(rest) <= _LONGEST_REST and not has_name(rest) and not asks_by_do:
        return len(tokens)
    return end


def _last_name(tokens: Sequence[Token], start: int) -> int | None:
    """The last name from `start` on, before a comma that no name follows."""
    last = None
    for place in range(start, len(tokens)):
        if tokens[place].name:
            last = place
        comma = tokens[place].text.endswith(",") and place + 1 < len(tokens)
        if last is not None and comma and not tokens[place + 1].name:
            break
    return last


def _main_verb(tokens: Sequence[Token], start: int, *, trailing: bool) -> int | None:
    """The first verb behind a name that is not the clause's own."""
    seen = False
    for place, token in enumerate(tokens[start:], start):
        seen = seen or token.name
        if not seen or token.name:
            continue
        follows = tokens[place + 1].low if place + 1 < len(tokens) else ""
        linking = token.low in _LINKING_VERBS and not (follows == "be" and trailing)
        being = token.low in BEING and follows and follows not in TRAILING
        if linking or being:
            return place
    return None


def _late_verb(tokens: Sequence[Token], start: int) -> int | None:
    """The main verb of a question whose auxiliary stands before the noun of the clause.

    "When was the firm that built X closed", "When did the town where X is located become part": the
    first behind a name that is not the clause's own.
    """
    opening = [token.low for token in tokens[:start]]
    if not opening or opening[0] not in _ADVERBIAL:
        return None
    by_do = not _DOING.isdisjoint(opening)
    by_being = not BEING.isdisjoint(opening)
    names = (place for place in range(start, len(tokens)) if tokens[place].name)
    for place in range(next(names, len(tokens)), len(tokens)):
        token = tokens[place]
        trails = token.low in FUNCTION_WORDS or token.bare in TRAILING
        participle = token.low in _IRREGULAR or (token.low.endswith("ed") and not trails)
        # "where X was killed": a participle behind a form of "be" is the clause's.
        if token.name or (participle and tokens[place - 1].low in BEING):
            continue
        if (by_do and not trails) or (by_being and participle):
            return place
    return None


def _asks_late(tokens: Sequence[Token]) -> bool:
    """Whether the question begins with a noun phrase, and asks behind it."""
    return tokens[0].low == "the" and any(token.low in _ASKING for token in tokens[3:])


def _plain(token: Token) -> bool:
    return not token.name and token.low not in FUNCTION_WORDS


def _name_end(tokens: Sequence[Token], start: int) -> int:
    """Where the name ends that begins at `start`; `start` if none does."""
    end = start
    while end < len(tokens) and (tokens[end].name or _inside_name(tokens, start, end)):
        end += 1
    return end


def _inside_name(tokens: Sequence[Token], start: int, place: int) -> bool:
    """Whether a small word joins two parts: "Battle of Mine Creek"."""
    particle = tokens[place].low in NAME_PARTICLES
    return particle and place > start and place + 1 < len(tokens) and tokens[place + 1].name


def _clause_verb(token: Token) -> bool:
    return not token.name and token.bare in _CLAUSE_VERBS


def _name_start(tokens: Sequence[Token], end: int) -> int:
    """First token of the name that ends at `end`; never the question's first word."""
    start = end
    while start > 1:
        before = tokens[start - 1]
        # "The CEO of X's buyer" owns X's buyer, not the CEO.
        joins = tokens[start - 2].name and tokens[start - 2].low not in ROLES
        particle = before.low in NAME_PARTICLES and joins
        if not before.name and not particle:
            break
        start -= 1
    return start


def _role_end(tokens: Sequence[Token], place: int) -> int:
    """End of what is owned: a role within three words, else the next word that has content."""
    for end in range(place + 1, min(len(tokens), place + 4)):
        if tokens[end].low.strip("?,") in ROLES:
            return end + 1
    if place + 1 == len(tokens) or tokens[place + 1].low in FUNCTION_WORDS:
        return place + 1
    owned = tokens[place + 1].text
    # "X's longest river", "X's two-time champion": the noun comes after.
    qualified = owned.endswith("est") or "-" in owned
    return place + 3 if qualified and place + 2 < len(tokens) else place + 2
