"""How an answer was found, as a tree.

What is known of a trace is put into words; members that are not known are shown as they are, and
no member is needed: a trace of another version is shown too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.tree import Tree

from app.cli.branches import Members, anything, entries, inline, line, measured, note, short


def tree(trace: Any) -> Tree:
    """The whole trace (JSON values of any shape)."""
    members = Members(trace)
    root = Tree(line("trace", members.take("mode")))
    for name, render in _SECTIONS.items():
        value = members.take(name)
        if isinstance(value, Mapping | list) and value:
            render(root, name, value)
        else:
            anything(root, name, value)
    members.rest(root)
    return root


def _gate(root: Tree, name: str, value: Any) -> None:
    members = Members(value)
    branch = root.add(line("gate:", members.take("decision"), members.take("strategy")))
    members.rest(branch)


def _plan(root: Tree, name: str, value: Any) -> None:
    members = Members(value)
    source = members.take("source")
    made_by = None if source is None else f"by {short(source)}"
    branch = root.add(line("plan", made_by, members.take("kind")))
    for entry in entries(members.take("nodes")):
        node = Members(entry)
        needs = inline(entries(node.take("needs")))
        after = f"after {needs}" if needs else None
        made = branch.add(line(node.take("id"), node.take("op"), node.take("text"), after))
        _outcome(made, node)
        node.rest(made)
    members.rest(branch)


def _nodes(root: Tree, name: str, value: Any) -> None:
    branch = root.add(line("steps"))
    for entry in entries(value):
        node = Members(entry)
        took = measured(node.take("ms"), "ms")
        made = branch.add(line(node.take("id"), node.take("bound_text"), took))
        _rounds(made, "rounds", node.take("rounds"))
        _outcome(made, node)
        node.rest(made)


def _outcome(branch: Tree, node: Members) -> None:
    answer = node.take("answer")
    became = note(node.take("status"), node.take("reason"))
    if answer is not None or became is not None:
        branch.add(line("→", None if answer is None else inline(answer), became))


def _rounds(branch: Tree, name: str, value: Any) -> None:
    for place, entry in enumerate(entries(value), 1):
        found = Members(entry)
        number = found.take("round")
        title = f"round {short(place if number is None else number)}:"
        made = branch.add(line(title, found.take("query")))
        anything(made, "why", found.take("why"))
        _channels(made, found.take("channels"))
        _fused(made, found.take("fused"))
        found.rest(made)


def _channels(branch: Tree, value: Any) -> None:
    for entry in entries(value):
        channel = Members(entry)
        title, status = channel.take("channel"), channel.take("status")
        found = measured(channel.take("found"), "found")
        made = branch.add(line(title, status, found, measured(channel.take("took_ms"), "ms")))
        anything(made, "", channel.take("detail"))
        _hits(made, channel.take("hits"))
        channel.rest(made)


def _hits(branch: Tree, value: Any) -> None:
    """Pairs of key and score in one line; anything else as it is."""
    pairs = entries(value)
    if all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        anything(branch, "hits", [f"{short(key)} {short(score)}" for key, score in pairs])
    else:
        anything(branch, "hits", value)


def _fused(branch: Tree, value: Any) -> None:
    """A line for each passage: its score, and in parentheses each channel's rank and score."""
    if not entries(value):
        return
    made = branch.add(line("fused"))
    for entry in entries(value):
        passage = Members(entry)
        head, put = [passage.take("key"), passage.take("score")], passage.take("channels")
        if isinstance(put, Mapping):
            put = "; ".join(f"{short(name)} {inline(entries(at))}" for name, at in put.items())
        passage.rest(made.add(line(*head, note(put))))


def _operators(root: Tree, name: str, value: Any) -> None:
    branch = root.add(line("operators"))
    for entry in entries(value):
        done = Members(entry)
        called = f"{short(done.take('op') or '?')}({inline(entries(done.take('inputs')))})"
        made = branch.add(line(done.take("id"), called, note(done.take("status"))))
        anything(made, "result", done.take("result"))
        done.rest(made)


def _synthesis(root: Tree, name: str, value: Any) -> None:
    members = Members(value)
    branch = root.add(line("writing:", members.take("outcome")))
    _statements(branch, "statements", members.take("statements"))
    members.rest(branch)


def _statements(root: Tree, name: str, value: Any) -> None:
    if not entries(value):
        return
    branch = root.add(line("statements"))
    for entry in entries(value):
        said = Members(entry)
        verified, start = said.take("verified"), said.take("start")
        if isinstance(verified, bool):
            verified = "verified" if verified else "dropped"
        end = said.take("end")
        place = None if start is None else f"{short(start)}-{short(end)}"
        head = line(
            said.take("outcome") or verified, said.take("text"), said.take("chunk_id"), place
        )
        said.rest(branch.add(head))


def _calls(root: Tree, name: str, value: Any) -> None:
    branch = root.add(line("calls to the model"))
    for entry in entries(value):
        call = Members(entry)
        prompt, reply = call.take("prompt_tokens"), call.take("completion_tokens")
        tokens = None
        if prompt is not None or reply is not None:
            tokens = f"{short(prompt or 0)} + {short(reply or 0)} tokens"
        what = [call.take("step"), call.take("outcome"), call.take("model")]
        made = branch.add(line(*what, tokens, measured(call.take("ms"), "ms")))
        anything(made, "", call.take("detail"))
        _decoded(made, call.take("lfd"))
        call.rest(made)


def _fused_layers(root: Tree, name: str, value: Any) -> None:
    probed = Members(value)
    state, at = probed.take("state"), probed.take("checked_at")
    branch = root.add(line("layer-fused decoding:", state, probed.take("reason"), note(at)))
    probed.rest(branch)


def _decoded(branch: Tree, value: Any) -> None:
    """Of a call that neither was to be decoded so nor was, nothing."""
    call = Members(value)
    asked, sent, state = call.take("asked"), call.take("sent"), call.take("state")
    given = {name: call.take(name) for name in ("alpha", "weight", "every")}
    if sent:
        branch = branch.add(line("layer-fused decoding,", inline(given)))
    elif asked:
        branch = branch.add(line("without layer-fused decoding:", state))
    call.rest(branch)


def _budget(root: Tree, name: str, value: Any) -> None:
    members = Members(value)
    branch = root.add(line("budget"))
    limits, used = members.take("limits"), members.take("used")
    if isinstance(limits, Mapping) and isinstance(used, Mapping):
        for what in {**limits, **used}:
            limit = limits.get(what)
            if what in used:
                most = None if limit is None else f"of {short(limit)}"
                branch.add(line(what, used[what], most))
            else:
                branch.add(line(what, "at most", limit))
    else:
        anything(branch, "limits", limits)
        anything(branch, "used", used)
    members.rest(branch)


def _degraded(root: Tree, name: str, value: Any) -> None:
    branch = root.add(line("without"))
    for entry in entries(value):
        lost = Members(entry)
        lost.rest(branch.add(line(lost.take("component"), lost.take("reason"))))


_SECTIONS: Mapping[str, Callable[[Tree, str, Any], None]] = {
    "gate": _gate,
    "plan": _plan,
    "nodes": _nodes,
    "rounds": _rounds,
    "operators": _operators,
    "synthesis": _synthesis,
    "statements": _statements,
    "llm_calls": _calls,
    "lfd": _fused_layers,
    "budget": _budget,
    "degraded": _degraded,
}
