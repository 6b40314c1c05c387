"""Stems that join verbs and nouns: `hired` and hire date, `sold` and sale date."""

from __future__ import annotations

import snowballstemmer

from retrievers.sql.catalogue.names import singular

_IRREGULAR = {
    "sold": "sale",
    "sells": "sale",
    "sell": "sale",
    "bought": "purchase",
    "paid": "payment",
    "pay": "payment",
    "pays": "payment",
    "born": "birth",
    "began": "start",
    "begin": "start",
    "finished": "end",
    "left": "termination",
    "built": "build",
    "shipped": "ship",
    "registered": "registration",
    "appointed": "appointment",
    "approved": "approval",
    "invoiced": "invoice",
    "ordered": "order",
    "placed": "order",
    "signed": "join",
    "released": "release",
    "died": "death",
    "fly": "flight",
    "flies": "flight",
    "flew": "flight",
    "flown": "flight",
}


class Stems:
    """A stemmer with a memory."""

    def __init__(self) -> None:
        self._stemmer = snowballstemmer.stemmer("english")
        self._known: dict[str, str] = {}

    def __call__(self, word: str) -> str:
        """The stem of one lower-case word."""
        stem = self._known.get(word)
        if stem is None:
            plain = _IRREGULAR.get(word, word)
            stem = str(self._stemmer.stemWord(singular(plain)))
            if len(self._known) < 20_000:
                self._known[word] = stem
        return stem
