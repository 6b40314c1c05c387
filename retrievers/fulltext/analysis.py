"""How text becomes terms: fields, languages, scripts without spaces, and queries of one's own.

A question never reaches an engine's query parser: there `*` finds everything, `AND` is an operator
and any field may be named.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import tantivy

from retrievers.types import Chunk, DocumentKey

STEMMERS = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}
"""Language codes with a stemmer; words of any other language are matched as they stand.

Tamil is left out: the tokenizer cuts its words at vowel killers, before the stemmer sees them."""
VERSION = 1
MOST_TERMS = 64
MOST_PHRASES = 8
LONGEST_PHRASE = 16
PHRASE_BOOST = 2.0
"""Who puts words in quotes wants them as they stand, but not nothing if they stand nowhere."""
LONGEST_WORD = 40  # bytes; longer words are left out, as in the engine's own analysers
LONGEST_EXACT = 255

# Thai, Lao, Burmese, Khmer, kana, Han: scripts that put no spaces between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
# Bounded: of thousands of marks that open and never close, each would be read to the end.
_QUOTED = re.compile(
    '"([^"]{2,1000})"|\u201c([^\u201d]{2,1000})\u201d|\u00ab([^\u00bb]{2,1000})\u00bb'
)
_SHOULD, _MUST = tantivy.Occur.Should, tantivy.Occur.Must


def normalised(text: str) -> str:
    """NFKC, and without lone surrogates, which are no text to the engine."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode("utf-8"))


def bigrams(run: str) -> list[str]:
    """Overlapping pairs of signs."""
    return [run[i : i + 2] for i in range(len(run) - 1)]


class Analysis:
    """Fields and queries for one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.schema = (
            tantivy.SchemaBuilder()
            .add_unsigned_field("chunk", indexed=True, fast=True)
            .add_unsigned_field("document", indexed=True)
            .add_text_field("title", tokenizer_name="stem", index_option="freq")
            .add_text_field("body", tokenizer_name="stem", index_option="freq")
            .add_text_field("exact", tokenizer_name="exact")
            .add_text_field("pairs", tokenizer_name="spaced")
            .add_text_field("signs", tokenizer_name="spaced", index_option="freq")
            .build()
        )
        stem = _words(LONGEST_WORD)
        if language in STEMMERS:
            stem = stem.filter(tantivy.Filter.stemmer(STEMMERS[language]))
        self._stem = stem.build()
        self._exact = _words(LONGEST_EXACT).build()
        self._spaced = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()

    def register(self, index: tantivy.Index) -> None:
        """Tell an index its analysers; it forgets them when it is closed."""
        index.register_tokenizer("stem", self._stem)
        index.register_tokenizer("exact", self._exact)
        index.register_tokenizer("spaced", self._spaced)

    def document(self, chunk: Chunk) -> tantivy.Document:
        """The engine's document of a chunk; no text stands in the way of another."""
        title = normalised(chunk.title)
        body = normalised("\n".join(part for part in (chunk.context, chunk.text) if part))
        fields: dict[str, Any] = {
            "chunk": chunk.id,
            "document": chunk.document,
            "title": title,
            "body": body,
            "exact": f"{title}\n{body}",
        }
        if runs := _UNSPACED.findall(fields["exact"]):
            # The lone sign between two runs keeps a phrase from reaching across.
            fields["pairs"] = " | ".join(" ".join(bigrams(run)) for run in runs)
            fields["signs"] = " ".join(sign for run in runs for sign in run)
        # With the schema at hand, numbers get the field's type; a wrong one kills the writer.
        return tantivy.Document.from_dict(fields, self.schema)

    def query(self, text: str, searcher: tantivy.Searcher) -> tantivy.Query | None:
        """The question as a sum of BM25 scores; None without any term.

        Every distinct word counts once, in title and in body. Two words of one stem both count,
        as they do in the engine's own parser. Quoted parts also score as phrases, and unspaced
        scripts by pairs of signs. Of more than `MOST_TERMS` words the rarest are asked for.
        """
        text = normalised(text)
        words = dict.fromkeys(self._exact.analyze(text))
        stems = [stem for word in words for stem in self._stem.analyze(word)]
        clauses = [
            self._term(field, stem)
            for stem in self._rarest(stems, searcher)
            for field in ("title", "body")
        ]
        clauses += self._phrases(text)
        clauses += self._unspaced(text)
        return tantivy.Query.boolean_query([(_SHOULD, c) for c in clauses]) if clauses else None

    def only(self, query: tantivy.Query, chunks: list[int]) -> tantivy.Query:
        """The query restricted to some chunks; scores do not change."""
        members = tantivy.Query.term_set_query(self.schema, "chunk", chunks)
        unscored = tantivy.Query.const_score_query(members, 0.0)
        return tantivy.Query.boolean_query([(_MUST, query), (_MUST, unscored)])

    def owned_by(self, document: DocumentKey) -> tantivy.Query:
        """All chunks of a document.

        To delete by this query, not by term: that call makes a signed term of any int, which an
        unsigned field never holds, and deletes nothing without a word.
        """
        return tantivy.Query.term_query(self.schema, "document", document)

    def _term(self, field: str, word: str) -> tantivy.Query:
        return tantivy.Query.term_query(self.schema, field, word, "freq")

    def _phrase(self, field: str, words: Sequence[str]) -> tantivy.Query:
        return tantivy.Query.phrase_query(self.schema, field, list(words))

    def _rarest(self, words: list[str], searcher: tantivy.Searcher) -> list[str]:
        if len(words) <= MOST_TERMS:
            return words
        known = {w: searcher.doc_freq("title", w) + searcher.doc_freq("body", w) for w in words}
        present = [word for word, count in known.items() if count]
        return sorted(present, key=lambda word: (known[word], word))[:MOST_TERMS]

    def _phrases(self, text: str) -> Iterator[tantivy.Query]:
        for match in list(_QUOTED.finditer(text))[:MOST_PHRASES]:
            words = self._exact.analyze(next(part for part in match.groups() if part))
            if words:
                one = self._term("exact", words[0])
                phrase = one if len(words) == 1 else self._phrase("exact", words[:LONGEST_PHRASE])
                yield tantivy.Query.boost_query(phrase, PHRASE_BOOST)

    def _unspaced(self, text: str) -> Iterator[tantivy.Query]:
        left = MOST_TERMS
        for run in _UNSPACED.findall(text):
            pairs = bigrams(run)[: max(left, 0)]
            left -= len(pairs)
            yield from (self._term("pairs", pair) for pair in pairs)
            if len(run) == 1 and left > 0:
                left -= 1
                yield self._term("signs", run)
            if 1 < len(pairs) <= LONGEST_PHRASE:
                yield self._phrase("pairs", pairs)


def _words(longest: int) -> tantivy.TextAnalyzerBuilder:
    simple = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    return simple.filter(tantivy.Filter.remove_long(longest)).filter(tantivy.Filter.lowercase())
