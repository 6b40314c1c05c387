"""A question as the planner sees it: words, with the names of the index joined to one token."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.domain.plan import literal
from app.engine.plan.lexicon import FUNCTION_WORDS
from retrievers.graph.words import entity_key
from retrievers.protocol import Names

LONGEST_NAME = 9
"""Words of a name that are joined."""

_OPENING_SIGNS = "\"'(\u201c"
POSSESSIVE = re.compile(r"(?:['\u2019]s|s['\u2019])$")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)\b")
_WORD = re.compile(r"[\w\-]+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word between spaces with its punctuation, a joined name, or the answer of a node."""

    text: str
    low: str  # lower-case
    name: bool  # looks like a name or part of one, or stands for an answer
    joined: bool = False  # several words that the index knows as one name
    node: int = 0  # number of the node whose answer it stands for; 0 for a word

    @property
    def bare(self) -> str:
        """Lower-case, without the punctuation that follows a word."""
        return self.low.rstrip("?,.")


def word(text: str) -> Token:
    """A token of one word as it would be read."""
    return Token(text, text.lower(), _looks_like_name(text))


def reference(node: int) -> Token:
    """The token that stands for a node's answer."""
    return Token(f"#{node}", f"#{node}", name=True, node=node)


def read(question: str, names: Names) -> list[Token]:
    """Cut a question at spaces; the longest known name at each place becomes one token."""
    raw = question.strip().rstrip("?").split()
    tokens: list[Token] = []
    place = 0
    while place < len(raw):
        end = _name_end(raw, place, names)
        if end > place + 1:
            name = " ".join(raw[place:end])
            tokens.append(Token(name, name.lower(), name=True, joined=True))
        else:
            tokens.append(word(raw[place]))
        place = end
    return tokens


def _name_end(raw: Sequence[str], start: int, names: Names) -> int:
    """End of the longest name of two words or more that begins here; else of the one word."""
    opens = start == 0 and raw[0].lower() in FUNCTION_WORDS
    if _capital(raw[start]) and not opens:
        for end in range(min(start + LONGEST_NAME, len(raw)), start + 1, -1):
            # "Ada Bell, Cork" is a list more often than a name; longer ones have titles in them.
            if end - start == 2 and raw[start].endswith(","):
                continue
            if not _WORD.search(raw[end - 1]):  # a sign between spaces
                continue
            key = entity_key(" ".join(raw[start:end]))
            if " " in key and names.known(key):
                return end
    return start + 1


def _capital(word: str) -> bool:
    first = word.lstrip(_OPENING_SIGNS)[:1]
    return first.isupper() or first.isdigit()


def _looks_like_name(word: str) -> bool:
    return _capital(word) and not _ORDINAL.match(word)


def has_name(tokens: Iterable[Token]) -> bool:
    """Whether a name, or an answer that will be one, is among them."""
    return any(token.name for token in tokens)


def content(tokens: Iterable[Token]) -> list[str]:
    """The words that ask or tell something, lower-case; a joined name is one of them."""
    found: list[str] = []
    for token in tokens:
        if token.joined:
            found.append(token.low)
        elif not token.node:
            found += (w for w in _WORD.findall(token.low) if w not in FUNCTION_WORDS)
    return found


def needs(tokens: Iterable[Token]) -> tuple[str, ...]:
    """Ids of the nodes whose answers stand among the tokens, in order."""
    return tuple(dict.fromkeys(str(token.node) for token in tokens if token.node))


def render(tokens: Iterable[Token]) -> str:
    """The text of a node, without the comma or the like that its clause ended with."""
    text = " ".join(token.text if token.node else literal(token.text) for token in tokens)
    return text.rstrip(" ,;:")
