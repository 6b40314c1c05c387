from __future__ import annotations

import pytest

from app.engine.sanitise import sanitise


@pytest.mark.parametrize(
    "text",
    [
        "The lock (built 1702) is 5 m wide, and a < b > c; AT&T paid £3.",
        "Use the data: 42 crates, 9:30 to 10:00.",
        'She said "why not" at https, not www.',
        "x = y[i] + z*2 and snake_case stays",
        "می‌خواهم",  # needs its zero-width non-joiner
        "naïve Ångström 東京 🙂",
    ],
)
def test_ordinary_prose_is_unchanged(text: str) -> None:
    assert sanitise(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("See ![map](http://evil.example/?q=secret) here", "See here"),
        ("See ![map][m] here", "See here"),
        ("Read [the notes](http://evil.example) now", "Read the notes now"),
        ("Read [the notes](javascript:alert(1)) now", "Read the notes now"),
        ("Read [the notes](&#106;avascript:alert) now", "Read the notes now"),
        ("Read [the notes](<http://evil.example/a b>) now", "Read the notes now"),
        ("Read [the notes][1] now", "Read the notes now"),
        ("[![pixel](http://evil.example/p)](http://evil.example) end", "end"),
        ("[1]: http://evil.example", ""),
        ("Go to <https://evil.example/x> now", "Go to now"),
        ("Go to https://evil.example/x?y=z now", "Go to now"),
        ("Go to www.evil.example now", "Go to now"),
        ("Write to spy@evil.example now", "Write to now"),
        ("<img src=x onerror=alert(1)>Hello", "Hello"),
        ("&lt;img src=x onerror=alert(1)&gt;Hello", "Hello"),
        ("&amp;lt;b&amp;gt;bold", "bold"),
        ("<script>alert(1)</script>Hello", "Hello"),
        ("Hello <!-- hidden order --> there", "Hello there"),
        ("A claim [3] and another [^12].", "A claim and another ."),
        ("gar\u202ebled\u200b te\u00adxt\x00\x1b", "garbled text"),
        ("unfinished ![alt", "unfinished [alt"),
        ("rest](http://evil.example) more", "rest() more"),
    ],
)
def test_what_a_client_would_fetch_run_or_mistake_is_removed(text: str, clean: str) -> None:
    assert sanitise(text) == clean


def test_constructs_that_appear_when_others_go_are_removed_too() -> None:
    assert "<" not in sanitise("<<b>script>alert(1)<</b>/script>")
    nested = "[a" * 40 + "](http://evil.example)" * 40
    assert "](" not in sanitise(nested)
    assert "evil" not in sanitise(nested)
