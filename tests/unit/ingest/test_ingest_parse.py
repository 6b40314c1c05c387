"""Files and posted texts become stored texts, or are refused with a reason."""

from __future__ import annotations

import json as stdlib_json

import pytest

from app.domain.documents import Source
from app.domain.errors import Rejected, UnsupportedMedia
from app.ingest.parse import html, json, markdown, text
from app.ingest.parse.decode import decode
from app.ingest.parse.sniff import HTML, JSON, MARKDOWN, TEXT, media_type
from app.ingest.parse.titles import FILE_NAME


def posted(value: str, media: str = TEXT, title: str = "") -> Source:
    return Source("d", title, media, value)


def uploaded(content: bytes, media: str = TEXT, name: str = "") -> Source:
    return Source("d", "", media, content=content, metadata={FILE_NAME: name} if name else {})


def refused(code: str) -> pytest.RaisesExc[Rejected]:
    return pytest.RaisesExc(Rejected, check=lambda error: error.code == code)


@pytest.mark.parametrize(
    "value", ["a\r\nb", "\ufeffa", " a ", "e\u0301", "👩‍👩‍👧", "שלום", "a\u2028b"]
)
def test_posted_text_is_stored_exactly_as_posted(value: str) -> None:
    assert text.parse(posted(value)).text == value
    assert markdown.parse(posted(value, MARKDOWN)).text == value


@pytest.mark.parametrize("value", ["", " \n\t\u3000"])
def test_a_text_of_white_space_is_an_empty_document(value: str) -> None:
    with refused("empty_document"):
        text.parse(posted(value))


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"])
def test_what_no_database_can_hold_is_refused(value: str) -> None:
    with pytest.raises(Rejected, match="character 1"):
        text.parse(posted(value))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"caf\xc3\xa9", None),
        (b"\xef\xbb\xbfcaf\xc3\xa9", None),
        ("café".encode("utf-16"), None),
        ("café".encode("utf-32"), None),
        ("Ein schöner Tag.".encode("latin-1"), "cp1252"),
        ("Ein schöner Tag für große Füße, über Köln hinaus. ".encode("latin-1") * 30, "cp1250"),
    ],
)
def test_a_file_is_decoded_as_unicode_first(content: bytes, encoding: str | None) -> None:
    found, legacy = decode(content)
    assert "é" in found or "schöner" in found
    assert legacy == encoding
    assert not found.startswith("\ufeff")


def test_a_legacy_encoding_is_recorded_beside_the_text() -> None:
    content = "Résumé des travaux précédents, déjà cités à l'été. ".encode("cp1252") * 4
    assert text.parse(uploaded(content)).metadata["encoding"]


def test_bytes_in_no_encoding_are_refused() -> None:
    with refused("unknown_encoding"):
        text.parse(uploaded(bytes(range(1, 256))))


@pytest.mark.parametrize(
    ("name", "declared", "content", "found"),
    [
        ("a.txt", "application/octet-stream", b"x", TEXT),
        ("a.MD", "", b"# x", MARKDOWN),
        ("a.md", "", b"<p align=center>logo</p>", MARKDOWN),
        ("a.htm", "text/plain", b"<p>x", HTML),
        ("a.html", "", b"\xef\xbb\xbf<!-- c --><!DOCTYPE html><p>x", HTML),
        ("a.xhtml", "", b"<?xml version='1.0'?><html xmlns='x'/>", HTML),
        ("a.json", "", b' {"a": 1}', JSON),
        ("a.txt", "", b'{"a": 1}', TEXT),
        ("notes", "text/markdown; charset=utf-8", b"x", MARKDOWN),
        ("notes", "application/octet-stream", b"<!doctype html><p>", HTML),
        ("notes", "", b"plain words", TEXT),
        ("a.txt", "", "x".encode("utf-16"), TEXT),
        ("..\\dir/a.txt", "", b"x", TEXT),
    ],
)
def test_name_and_content_together_tell_the_type(
    name: str, declared: str, content: bytes, found: str
) -> None:
    assert media_type(name, declared, content) == found


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"%PDF-1.7"),
        ("a.txt", b"%PDF-1.7"),
        ("a.docx", b"PK\x03\x04"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0"),
        ("a.txt", b"<!doctype html><html>"),
        ("a.md", b"<html><body>"),
        ("a.json", b"<html>"),
        ("a.json", b"words"),
        ("a.html", b"no markup at all"),
        ("a.html", b"<?xml version='1.0'?><rss/>"),
        ("a.csv", b"a,b"),
        ("a", b"<?xml version='1.0'?><rss/>"),
        ("a.txt", b"\0\0"),
    ],
)
def test_other_types_and_disagreement_are_not_taken(name: str, content: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        media_type(name, "text/plain", content)


def test_markdown_headings_are_found_where_they_stand() -> None:
    value = (
        "---\ntitle: front\n---\n# One ##\n\nText\n\nTwo\n===\n```sh\n# not one\n```\n"
        "### [Three](x) and `code`\r\nprose\nprose\n---\n#no\n####### no\n- item\n---\n"
    )
    found = markdown.headings(value)
    assert [(heading.level, heading.text) for heading in found] == [
        (1, "One"),
        (1, "Two"),
        (3, "Three and code"),
    ]
    assert [value[heading.start : heading.end] for heading in found] == [
        "# One ##",
        "Two\n===",
        "### [Three](x) and `code`",
    ]


def test_an_open_fence_hides_all_that_follows() -> None:
    assert markdown.headings("# a\n~~~\n# b\n```\n# c") == markdown.headings("# a\n")


def test_html_keeps_structure_and_drops_what_nobody_sees() -> None:
    page = (
        "<title> The  page </title><style>p{}</style><h1>Intro <em>now</em></h1>"
        "<p>One<br>two &amp; three</p><script>bad()</script><p hidden>secret</p>"
        '<p style="display: none">secret</p><ul><li>a<ul><li>b</ul><li>c</ul>'
        "<table><tr><th>n<th>v<tr><td><p>1</p><p>2</p><td>x<br>y</table>"
        "<pre>  code\n   more\n</pre><img alt='A weir'> tail"
    )
    parsed = html.parse(uploaded(page.encode(), HTML))
    assert parsed.title == "The page"
    assert parsed.text == (
        "Intro now\n\nOne\ntwo & three\n\na\nb\nc\n\nn | v\n1 2 | x y\n\n  code\n   more\n\n"
        "A weir tail"
    )
    (heading,) = parsed.headings
    assert parsed.text[heading.start : heading.end] == heading.text == "Intro now"


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (b"<p></p>", "empty_document"),
        (b"<script>x</script>", "empty_document"),
        (b"<!DOCTYPE h [<!ENTITY a 'x'>]><p>&a;", "xml_entities_refused"),
        (b"<div>" * 100_000 + b"x", "too_complex"),
    ],
)
def test_pages_without_text_or_beyond_reason_are_refused(page: bytes, code: str) -> None:
    with refused(code):
        html.parse(uploaded(page, HTML))


def test_a_declared_encoding_of_a_page_is_believed() -> None:
    page = "<meta charset='windows-1251'><p>Плотина близ мельницы</p>".encode("cp1251")
    assert html.parse(uploaded(page, HTML)).text == "Плотина близ мельницы"


def test_a_json_document_brings_its_own_members() -> None:
    raw = {"id": "m1", "title": "Mill", "text": "A mill.", "metadata": {"year": 1720}}
    (found,) = json.documents(uploaded(stdlib_json.dumps(raw).encode(), JSON, "x.json"))
    assert (found.id, found.title, found.text, found.content) == ("m1", "Mill", "A mill.", None)
    assert found.metadata == {FILE_NAME: "x.json", "year": 1720}


def test_a_json_list_of_documents_is_several() -> None:
    raw = b'[{"text": "a"}, {"text": "b", "id": "2"}]'
    found = json.documents(uploaded(raw, JSON))
    assert json.documents(uploaded(b'{"documents": %s}' % raw, JSON)) == found
    assert [(one.text, one.id) for one in found] == [("a", ""), ("b", "2")]


def test_other_json_becomes_lines_with_numbers_as_written() -> None:
    raw = b'{"a": [1.10, {"b": null}], "c": {"d": "x\\ny"}, "e": [], "f": true, "text": 3}'
    assert json.parse(uploaded(raw, JSON)).text == (
        "a[0]: 1.10\na[1].b: null\nc.d: x y\nf: true\ntext: 3"
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a": ', "malformed_json"),
        (b"NaN", "malformed_json"),
        (b"[" * 100_000, "too_complex"),
        (b"[" * 200 + b"1" + b"]" * 200, "too_complex"),
        (b"{}", "empty_document"),
        (b'[{"text": "a"}, {"text": " "}]', "empty_document"),
    ],
)
def test_json_that_cannot_be_used_is_refused(raw: bytes, code: str) -> None:
    with refused(code):
        json.documents(uploaded(raw, JSON))


@pytest.mark.parametrize(
    ("source", "title"),
    [
        (posted("# Head\n\ntext", MARKDOWN, "Given"), "Given"),
        (posted("# Head\n\ntext", MARKDOWN), "Head"),
        (posted("text", MARKDOWN), ""),
        (uploaded(b"text", MARKDOWN, "dir/Weir notes.md"), "Weir notes"),
        (uploaded(b"text", MARKDOWN, "document1.md"), ""),
        (uploaded(b"text", MARKDOWN, "scan_0001.md"), ""),
        (uploaded(b"text", MARKDOWN, "2024-01-02.md"), ""),
    ],
)
def test_a_title_is_taken_from_the_document_and_never_made_up(source: Source, title: str) -> None:
    assert markdown.parse(source).title == title
