"""From a question to a statement, or to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from retrievers.sql.catalogue.labels import label
from retrievers.sql.questions.draft import Draft, Mention, ValueIs
from retrievers.sql.questions.errors import Unanswerable
from retrievers.sql.questions.language.stems import Stems
from retrievers.sql.questions.language.words import tokens
from retrievers.sql.questions.statement.compose import Composer
from retrievers.sql.questions.statement.facts import Facts
from retrievers.sql.questions.statement.resolve import Resolution, Resolver
from retrievers.sql.questions.statement.unsaid import Unsaid
from retrievers.sql.questions.vocabulary import Meaning, Synonyms, Vocabulary
from retrievers.sql.questions.walk.finish import finish
from retrievers.sql.questions.walk.items import Item, itemise
from retrievers.sql.questions.walk.walk import Walk
from retrievers.sql.schema import Catalogue

__all__ = ["Plan", "QuestionReader", "Synonyms"]

LONGEST = 600  # characters; a longer question is not about one number or list
CERTAIN = 0.75


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement, not yet guarded, and how sure the reading is (0 to 1)."""

    tree: exp.Select
    confidence: float


class QuestionReader:
    """Understands questions to one database."""

    def __init__(self, catalogue: Catalogue, synonyms: Synonyms) -> None:
        labels = label(list(catalogue.tables.values()))
        self._stems = Stems()
        self._facts = Facts(catalogue, labels, self._stems)
        self.vocabulary = Vocabulary(catalogue, labels, synonyms, self._stems)
        self._resolver, self._unsaid = Resolver(self._facts), Unsaid(self._facts)
        self._composer = Composer(self._facts)

    def touches(self, text: str) -> bool:
        """Whether the question could be about this database at all."""
        return len(text) <= LONGEST and self.vocabulary.touches(text)

    def read(self, text: str, today: date) -> Plan | None:
        """The statement that answers the question; None where it is not understood."""
        try:
            return self.explain(text, today)
        except Unanswerable:
            return None

    def explain(self, text: str, today: date) -> Plan:
        """Like `read`.

        Raises:
            Unanswerable: With the reason.
        """
        items = itemise(tokens(text), self.vocabulary, today)
        if not any(item.names or item.values for item in items):
            raise Unanswerable("nothing is named")
        walk = Walk(items)
        walk.run()
        draft = finish(walk)
        if draft.failed:
            raise Unanswerable(draft.failed)
        self._unsaid.settle_time(draft)
        chosen = self._resolver.resolve(draft)
        if chosen is not None and draft.who:
            chosen = self._resolve_person(draft, chosen)
        if chosen is None:
            raise Unanswerable("the names do not decide what is meant")
        self._check_sense(draft, chosen)
        tree = self._composer.compose(draft, chosen)
        self._check_words(draft, chosen, tree)
        confidence = _confidence(chosen, items)
        if not self._is_fact(draft, chosen):
            confidence = min(confidence, CERTAIN - 0.01)
        return Plan(tree, confidence)

    def _resolve_person(self, draft: Draft, chosen: Resolution) -> Resolution | None:
        """`who wrote the paper …` asks for the paper's author, not for the paper."""
        if draft.target is None or draft.measures:
            return chosen
        table = chosen[draft.target].table
        person = self._facts.person(table)
        if person == table:
            return chosen
        if person is None or draft.outputs or draft.ranking is not None:
            return None
        draft.hints.append(draft.target)
        named = (Meaning(person, None, "full"),)
        draft.target = Mention("who", named, draft.target.place - 1, plural=True)
        return self._resolver.resolve(draft)

    def _is_fact(self, draft: Draft, chosen: Resolution) -> bool:
        """Whether a total, a best one or an attribute of one thing is asked; a list is not."""
        if draft.measures or draft.ranking is not None or draft.counts_target:
            return True
        named = any(
            isinstance(condition, ValueIs)
            and condition.match == "is"
            and not condition.negated
            and self._facts.is_title(chosen[condition])
            and not any(v.partial or v.alias for v in chosen.values[id(condition)])
            for condition in draft.conditions
        )
        attributes = [output for output in draft.outputs if chosen[output].column is not None]
        listed = draft.target is not None and draft.target.plural
        return named and bool(attributes) and not listed and len(draft.conditions) == 1

    def _check_sense(self, draft: Draft, chosen: Resolution) -> None:
        """A list of things of one name, which was given, says nothing: a relation was meant."""
        if draft.target is None or draft.outputs or draft.measures or draft.ranking is not None:
            return
        target = chosen[draft.target]
        for condition in draft.conditions:
            if not isinstance(condition, ValueIs) or condition.named or condition.negated:
                continue
            meaning = chosen[condition]
            same = target.column is None and meaning.table == target.table
            if condition.match == "is" and same and self._facts.names(meaning):
                raise Unanswerable("the name is known already")

    def _check_words(self, draft: Draft, chosen: Resolution, tree: exp.Select) -> None:
        """Every word must have found a place; names that were used account for their own words."""
        claimed = self._facts.claimed(chosen.chosen.values())
        for column in tree.find_all(exp.Column):
            claimed |= self._facts.words_of(column.table, column.name)
        events = set[str]()
        for table in tree.find_all(exp.Table):
            events |= self._facts.events_of(table.name)
        left = [
            word
            for word, _ in draft.words
            if self._stems(word) not in claimed
            and not (word.endswith("ed") and self._stems(word) in events)
        ]
        if left:
            raise Unanswerable(f"no place for {', '.join(left[:3])}")


def _confidence(chosen: Resolution, items: Sequence[Item]) -> float:
    """Half the share of words linked, half how well."""
    linked = sum(item.words for item in items if item.names or item.values or item.cue)
    loose = sum(item.words for item in items if item.kind in ("light", "word"))
    share = linked / (linked + loose) if linked else 0.0
    quality = min(1.0, sum(chosen.scores) / len(chosen.scores)) if chosen.scores else 0.0
    return (share + quality) / 2
