"""Strings numbered in the order of their arrival."""

from __future__ import annotations

from collections.abc import Iterable


class Numbers:
    """Gives each distinct string a number from 0; a number is never given again.

    One thread adds; others may look up meanwhile and then find a new string, or not yet.
    """

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.strings)

    def find(self, string: str) -> int:
        """The number of the string, -1 if it has none."""
        return self._numbers.get(string, -1)

    def extend(self, strings: Iterable[str]) -> None:
        """Number several new strings in this order."""
        for string in strings:
            self.number(string)

    def number(self, string: str) -> int:
        """The number of the string, a new one if it has none."""
        number = self._numbers.get(string)
        if number is None:
            number = len(self.strings)
            self.strings.append(string)
            self._numbers[string] = number
        return number
