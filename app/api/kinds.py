"""Every sort of problem the service reports; each has a page at `/docs/problems/<slug>`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of problem, and what to do about it."""

    slug: str
    status: int
    title: str
    meaning: str
    fix: str


KINDS: Mapping[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind(
            "no-key",
            401,
            "An API key is needed",
            "The request carried no `Authorization: Bearer KEY` header.",
            "Send the key printed at the first start, or make one: anabranch keys create",
        ),
        Kind(
            "bad-key",
            401,
            "The API key is not known",
            "The key was mistyped, revoked, or belongs to another data directory.",
            "List keys with `anabranch keys list`; make one with `anabranch keys create`.",
        ),
        Kind(
            "missing-scope",
            403,
            "The key lacks a scope",
            "The key is valid but may not do this; the detail names the scope it lacks.",
            "Make a key that has it: anabranch keys create --scope write",
        ),
        Kind(
            "not-found",
            404,
            "Nothing there",
            "No such route or object, or it belongs to a collection the key may not see.",
            "Check the id, and that ids in paths are percent-encoded.",
        ),
        Kind(
            "method-not-allowed",
            405,
            "The route exists, but not for this method",
            "The `Allow` header lists the methods that do.",
            "See /docs for the operations of the route.",
        ),
        Kind(
            "already-exists",
            409,
            "The name is taken",
            "A collection or source of this name exists.",
            "Choose another name, or delete the old one first.",
        ),
        Kind(
            "conflict",
            409,
            "The present state forbids it",
            "The operation cannot be done to this object as it is now; the detail says why.",
            "Follow the detail.",
        ),
        Kind(
            "embedding-model-mismatch",
            409,
            "The collection was built with another embedding model",
            "Vectors of two models cannot be compared, so nothing was changed.",
            "Configure the model the collection was built with, or load it into a new collection.",
        ),
        Kind(
            "collection-busy",
            409,
            "The collection is busy",
            "Another job holds the collection.",
            "Wait for the job named in the detail, then send the request again.",
        ),
        Kind(
            "too-large",
            413,
            "Too large",
            "A body, file, text or list is beyond its limit; the detail names the limit.",
            "Split the request, or raise the setting ANABRANCH_LIMITS__… named in the detail.",
        ),
        Kind(
            "unsupported-media-type",
            415,
            "The media type is not taken",
            "No parser reads this kind of file or body.",
            "Send JSON to JSON routes; upload text, Markdown, HTML or JSON files.",
        ),
        Kind(
            "invalid-request",
            422,
            "The request is malformed",
            "The body or a parameter does not have the documented shape; `errors` says where.",
            "Compare the request with the example in /docs.",
        ),
        Kind(
            "bad-filter",
            422,
            "The filter cannot be applied",
            "Filters are never ignored: one that cannot be applied exactly is refused.",
            'Use {"type": "eq", "key": "lang", "value": "en"} or the shorthand {"lang": "en"}.',
        ),
        Kind(
            "filter-not-applicable",
            422,
            "Filters do not apply to SQL sources",
            'Rows have no document metadata, so "sql" cannot be combined with filters.',
            'Leave "sql" out of `retrievers`, or leave out `filters`.',
        ),
        Kind(
            "not-available",
            422,
            "Not available in this version",
            "The value is part of the API but this build cannot serve it yet.",
            "Leave the field out or use the value named in the detail.",
        ),
        Kind(
            "some-documents-failed",
            422,
            "Some documents failed",
            "The others are indexed and searchable; `failures` of the job says why for each.",
            "Correct the documents named in `failures` and send those again.",
        ),
        Kind(
            "empty_document",
            422,
            "The document is empty",
            "It holds no text, or nothing but white space, marks or images.",
            "Leave it out, or send a version that holds text.",
        ),
        Kind(
            "unknown_encoding",
            422,
            "The text's encoding is not known",
            "The bytes are no UTF-8, and no other encoding fits them.",
            "Convert the file to UTF-8.",
        ),
        Kind(
            "malformed_json",
            422,
            "The JSON file cannot be read",
            "The file is not JSON, or does not have the shape of documents.",
            'Send {"documents": [{"text": "…"}]}, a list of such documents, or only one.',
        ),
        Kind(
            "too_complex",
            422,
            "The file is too complex",
            "It is nested deeper, or holds more parts, than any sensible document.",
            "Split it, or convert it to plain text.",
        ),
        Kind(
            "xml_entities_refused",
            422,
            "The file declares XML entities",
            "Entities can read files and grow without bound, so they are not expanded.",
            "Remove the document type declaration.",
        ),
        Kind(
            "parse_timeout",
            422,
            "Parsing took too long",
            "The parser was stopped at its time limit; other documents were not affected.",
            "Split the file, or convert it to plain text.",
        ),
        Kind(
            "parse_crashed",
            422,
            "The parser failed",
            "It ran out of memory or crashed; it runs apart, so nothing else was affected.",
            "Split the file, or convert it to plain text.",
        ),
        Kind(
            "parse_memory",
            422,
            "The file takes too much memory",
            "Reading it took more memory than the parser may have; nothing else was affected.",
            "Split the file, or convert it to plain text.",
        ),
        Kind(
            "parse_output",
            422,
            "The parsed text is too large",
            "It holds more text than one document may, or grew without bound while it was read.",
            "Split the file.",
        ),
        Kind(
            "sql-refused",
            422,
            "The SQL was refused",
            "Only one read-only SELECT over the allowed tables is run.",
            "Rewrite the statement as a plain SELECT over the source's tables.",
        ),
        Kind(
            "source-unreachable",
            422,
            "The SQL source cannot be opened",
            "The database did not answer, or the login may not read its tables.",
            "Check the URL from this machine with the database's own client.",
        ),
        Kind(
            "rate-limited",
            429,
            "Too many requests with this key",
            "The key's requests per minute are used up.",
            "Wait for the seconds in `Retry-After`.",
        ),
        Kind(
            "overloaded",
            429,
            "Too many requests at once",
            "The queue of waiting questions or uploads is full; nothing was done.",
            "Wait for the seconds in `Retry-After`; ANABRANCH_LIMITS__QUEUE is its length.",
        ),
        Kind(
            "internal",
            500,
            "Something broke here",
            "A bug: the log has the traceback under the same `request_id`.",
            "Report it with the log lines of this `request_id`.",
        ),
        Kind(
            "no-retriever",
            503,
            "No retriever could answer",
            "Every channel failed or timed out.",
            "See `components` of /readyz; run: anabranch doctor",
        ),
        Kind(
            "not-ready",
            503,
            "The service is starting or stopping",
            "Questions cannot be answered now.",
            "Wait until /readyz answers 200.",
        ),
        Kind(
            "read-only-disk",
            503,
            "The disk is nearly full",
            "Documents are not taken in any more; questions are answered and deletes are done.",
            "Free disk space, then send the same request again.",
        ),
        Kind(
            "index-unavailable",
            503,
            "An index or the encoder failed",
            "The document is stored, but could not be indexed after several attempts.",
            "See `components` of /readyz, then send the document again.",
        ),
        Kind(
            "storage-unavailable",
            503,
            "The storage does not take writes",
            "The disk is full, or the database is locked or away. Nothing was written.",
            "Free disk space or start the database, then send the same request again.",
        ),
    )
}
