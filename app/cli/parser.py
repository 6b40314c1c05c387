"""What may be typed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLOSING = """\
settings are read from ANABRANCH_… variables and .env; `anabranch config` lists them all

exit status: 0 done; 1 failed; 2 unusable arguments or settings; 3 database of a newer version
"""


class _Version(argparse.Action):
    """Looks the version up only when it is asked for: that takes a third of `--help`'s time."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print it and leave."""
        from importlib.metadata import version

        print(version("anabranch"))
        parser.exit()


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command and its arguments; leaves the process with status 2 when they are unusable."""
    parser = argparse.ArgumentParser(
        prog="anabranch",
        description="Answers with verified citations from vectors, a graph, full text and SQL.",
        epilog=CLOSING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _serve(commands)
    _demo(commands)
    _models(commands)
    _ingest(commands)
    _questions(commands)
    _doctor(commands)
    _keys(commands)
    _upkeep(commands)
    return parser.parse_args(argv)


def _add(
    commands: Any, name: str, module: str, summary: str, example: str
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(module=module)
    return made


def _data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="instead of ANABRANCH_DATA_DIR (./data)"
    )


def _reach(parser: argparse.ArgumentParser) -> None:
    """Options of commands that talk to a running service, or open the data directory."""
    _data_dir(parser)
    parser.add_argument("--url", help="a running service; default: the one on the data directory")
    parser.add_argument("--key", help="its API key; default: ANABRANCH_KEY")


def _serve(commands: Any) -> None:
    parser = _add(
        commands,
        "serve",
        "serve",
        "run the service in the foreground until SIGTERM",
        "anabranch serve --port 8080",
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (8000; 0 takes a free one)")
    _data_dir(parser)


def _demo(commands: Any) -> None:
    parser = _add(
        commands,
        "demo",
        "demo",
        "load a few documents and a table, ask questions, show cited answers",
        "anabranch demo --serve",
    )
    parser.add_argument("--serve", action="store_true", help="go on serving afterwards")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (a free one)")
    _data_dir(parser)


def _models(commands: Any) -> None:
    models = _add(
        commands, "models", "models", "get the encoder's weights", "anabranch models fetch"
    )
    verbs = models.add_subparsers(metavar="VERB", required=True)
    fetch = _add(
        verbs,
        "fetch",
        "models",
        "download and verify the weights, unless they are there",
        "anabranch models fetch --folder /srv/models/minilm",
    )
    fetch.add_argument("--folder", type=Path, metavar="DIR", help="instead of the settings' folder")
    _data_dir(fetch)


def _ingest(commands: Any) -> None:
    parser = _add(
        commands,
        "ingest",
        "ingest",
        "add files and folders to a collection",
        "anabranch ingest docs/ notes.md --collection handbook",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--collection", default="default", help="created if absent (default)")
    _reach(parser)


def _questions(commands: Any) -> None:
    search = _add(
        commands,
        "search",
        "questions",
        "show the passages a query finds",
        'anabranch search "nine herons" --top-k 3',
    )
    search.add_argument("query")
    search.add_argument("--strategy", choices=("auto", "single", "multihop"), default="auto")
    ask = _add(
        commands,
        "ask",
        "questions",
        "answer a question with citations",
        'anabranch ask "Who designed the Nine Heron Bridge?"',
    )
    ask.add_argument("question")
    ask.add_argument(
        "--reasoning",
        choices=("auto", "direct", "lag"),
        default="auto",
        help="whether hard questions are split: if they need it, never, or whenever it can be done",
    )
    ask.add_argument("--stream", action="store_true", help="show statements as they are found")
    ask.add_argument("--trace", action="store_true", help="show how the answer was found")
    for parser, verb in ((search, "search"), (ask, "ask")):
        parser.set_defaults(verb=verb)
        parser.add_argument("--collection", default="default")
        parser.add_argument("--top-k", type=int, default=10, metavar="N")
        parser.add_argument(
            "--filter", metavar="JSON", help='condition on metadata, such as \'{"lang": "en"}\''
        )
        parser.add_argument("--json", action="store_true", help="print the service's response")
        _reach(parser)


def _doctor(commands: Any) -> None:
    parser = _add(
        commands,
        "doctor",
        "doctor",
        "check model, disk, database and indexes; repair what can be rebuilt",
        "anabranch doctor",
    )
    _data_dir(parser)


def _keys(commands: Any) -> None:
    keys = _add(commands, "keys", "keys", "manage API keys", "anabranch keys list")
    verbs = keys.add_subparsers(metavar="VERB", required=True)
    create = _add(
        verbs,
        "create",
        "keys",
        "make a key and show it once",
        "anabranch keys create --scope read --collection handbook --note 'reading room'",
    )
    create.add_argument(
        "--scope",
        action="append",
        choices=("read", "write", "metrics", "admin"),
        help="repeatable (read)",
    )
    create.add_argument(
        "--collection", action="append", metavar="NAME", help="repeatable (all collections)"
    )
    create.add_argument("--note", default="", help="for telling keys apart")
    listed = _add(verbs, "list", "keys", "list the keys that work", "anabranch keys list")
    revoke = _add(
        verbs,
        "revoke",
        "keys",
        "stop a key from working",
        "anabranch keys revoke key_p6r8t0w1y5k3vqz7m2n4",
    )
    revoke.add_argument("id")
    for parser, verb in ((create, "create"), (listed, "list"), (revoke, "revoke")):
        parser.set_defaults(verb=verb)
        _reach(parser)


def _upkeep(commands: Any) -> None:
    migrate = _add(
        commands,
        "migrate",
        "upkeep",
        "bring the database schema to this version's",
        "anabranch migrate",
    )
    migrate.set_defaults(verb="migrate")
    _data_dir(migrate)
    config = _add(
        commands,
        "config",
        "upkeep",
        "print the effective settings, secrets masked",
        "anabranch config",
    )
    config.set_defaults(verb="config")
    _data_dir(config)
