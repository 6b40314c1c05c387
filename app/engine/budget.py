"""What one question may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one question; a request may lower them, never raise them.

    Only `seconds` binds an answer that needs no language model.
    """

    seconds: float = 20.0
    llm_calls: int = 12
    prompt_tokens: int = 24_000

    def lowered(
        self,
        seconds: float | None = None,
        llm_calls: int | None = None,
        prompt_tokens: int | None = None,
    ) -> Budget:
        """The smaller of each limit and what a request asks for; None leaves it."""
        return Budget(
            self.seconds if seconds is None else min(self.seconds, seconds),
            self.llm_calls if llm_calls is None else min(self.llm_calls, llm_calls),
            self.prompt_tokens if prompt_tokens is None else min(self.prompt_tokens, prompt_tokens),
        )
