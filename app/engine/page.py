"""The answer's text while it grows. What stands on the page was told and is not taken back."""

from __future__ import annotations

from app.domain.answer import Citation
from app.domain.events import Cited, Delta
from app.engine.cite import Statement, rendered
from app.engine.run import Run


class Page:
    """Text and citations; each addition is told at once, so the joined deltas are the text."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.text = ""
        self.citations: list[Citation] = []

    def state(self, statement: Statement) -> None:
        """Add a verified statement with its marks."""
        text, citations = rendered(statement, self.text, len(self.citations) + 1)
        self._add(text)
        self.citations += citations
        for citation in citations:
            self._run.tell(Cited(citation))

    def remark(self, sentence: str) -> None:
        """Add a sentence of our own, which cites nothing."""
        self._add(f" {sentence}" if self.text else sentence)

    def _add(self, text: str) -> None:
        self.text += text
        self._run.tell(Delta(text))
