"""What a probe is trained to predict at a cue: labels ``[cues]`` of a trace, bool."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from probexit.exits.answers.key import answer_key
from probexit.exits.trace import Trace
from probexit.probes.features import LayerStates, select_layers

Label = Callable[[Trace], Tensor]


def correct(trace: Trace) -> Tensor:
    """Tell where the forced answer is right (needs gold; LYNX, arXiv 2512.05325)."""
    return trace.cues.correct


def agrees(trace: Trace) -> Tensor:
    """Tell where the forced answer equals the full run's (no gold; arXiv 2505.18404)."""
    return trace.agrees


def stays(trace: Trace) -> Tensor:
    """Tell where the answer is right and stays right to the end (cumulative; arXiv 2506.02536)."""
    return trace.stays_right()


def reached(trace: Trace) -> Tensor:
    """Tell where the answer is or was right: once 1, always 1 (needs gold; arXiv 2505.18404)."""
    return _from_first(trace.cues.correct)


def arrived(trace: Trace) -> Tensor:
    """Tell whether the full run's answer was there already: here or before (arXiv 2603.12529)."""
    return _from_first(trace.agrees)


def converged(trace: Trace) -> Tensor:
    """Tell where the forced answer equals the last forced answer, here and from here on.

    The model's own label: neither gold nor the full run's answer is needed (arXiv 2506.02536,
    Learn-to-Stop). Answers are equal if their keys are: numbers by value, words by text.
    """
    answers = [answer_key(text) for text in trace.cues.answers]
    same = torch.tensor([text == answers[-1] for text in answers], dtype=torch.bool)
    return same.flip(0).cummin(0).values.flip(0)


TARGETS: dict[str, Label] = {
    "correct": correct,
    "agrees": agrees,
    "stays": stays,
    "reached": reached,
    "arrived": arrived,
    "converged": converged,
}


def novel(trace: Trace) -> Tensor:
    """Tell where the forced answer was not given at any earlier cue (after arXiv 2505.18404).

    The paper has a judge read whether a step adds anything; here what it adds is an answer.
    """
    seen: set[str] = set()
    found = []
    for answer in (text.strip() for text in trace.cues.answers):
        found.append(answer not in seen)
        seen.add(answer)
    return torch.tensor(found, dtype=torch.bool)


def leaf(trace: Trace) -> Tensor:
    """Tell which steps attempt an answer: their text states the forced answer, as whole words.

    The paper has a judge read it (arXiv 2505.18404). Case is not looked at.
    """
    pairs = zip(trace.cues.answers, trace.cues.steps, strict=True)
    return torch.tensor([_states(step, answer.strip()) for answer, step in pairs]).bool()


def unanimous(trace: Trace) -> Tensor:
    """Tell where all sampled forced answers are right (BLADE, arXiv 2607.28966).

    Raises:
        ValueError: if none were recorded.
    """
    sampled = trace.cues.sampled_right
    if sampled is None:
        raise ValueError("no sampled answers were recorded: record with --answer-samples 16")
    return sampled.all(1)


def progress(trace: Trace) -> Tensor:
    """Return how far the thinking has come, ``[c]`` in (0, 1]: the share of its tokens.

    The relative position j / N of arXiv 2506.07240, section 2.
    """
    return (trace.cues.positions + 1 - trace.begins) / trace.thinking


@dataclass(frozen=True)
class CueStates(LayerStates):
    """The states of all cues of some traces, which stay where the traces keep them: on disk.

    Attributes:
        traces: The traces, each with at least one cue.
        read: Which states: ``[c, L, d]`` of a trace.
    """

    traces: Sequence[Trace]
    read: Label

    @property
    def shape(self) -> tuple[int, int, int]:
        _, layers, width = self.read(self.traces[0]).shape
        return sum(len(trace.cues) for trace in self.traces), layers, width

    def select(self, layers: Sequence[int]) -> Tensor:
        return torch.cat([select_layers(self.read(trace), layers) for trace in self.traces])


@dataclass(frozen=True)
class CueTable:
    """All cues of some traces in one table.

    Attributes:
        states: ``[n, L, d]`` states at the cues.
        labels: ``[n]`` bool.
        groups: ``[n]`` number of the problem each cue belongs to.
    """

    states: CueStates
    labels: Tensor
    groups: Tensor


def cue_table(traces: Sequence[Trace], target: str) -> CueTable:
    """Pool the cues of traces.

    Raises:
        ValueError: on an unknown target, or if no trace has a cue.
    """
    if target not in TARGETS:
        raise ValueError(f"unknown target {target!r}: choose one of {', '.join(TARGETS)}")
    return pooled(traces, TARGETS[target], lambda trace: trace.cues.hidden)


def pooled(traces: Sequence[Trace], label: Label, states: Label) -> CueTable:
    """Pool the cues of traces, with ``states`` (such as the steps' means) ``[c, L, d]`` of each.

    Raises:
        ValueError: if no trace has a cue.
    """
    number = problem_numbers(traces)
    with_cues = [trace for trace in traces if len(trace.cues)]
    if not with_cues:
        raise ValueError(
            f"none of the {len(traces)} traces has a cue: record with another --cues "
            "(see `probexit list cues`)"
        )
    groups = [torch.full((len(t.cues),), number[t.problem]) for t in with_cues]
    return CueTable(
        CueStates(with_cues, states),
        torch.cat([label(trace) for trace in with_cues]),
        torch.cat(groups),
    )


def problem_numbers(traces: Sequence[Trace]) -> dict[str, int]:
    """Number the problems of some traces from 0, by name."""
    return {problem: i for i, problem in enumerate(sorted({t.problem for t in traces}))}


def _from_first(marks: Tensor) -> Tensor:
    return marks.cummax(0).values if len(marks) else marks


def _states(text: str, answer: str) -> bool:
    """Tell whether a text holds an answer that no letter, digit or decimal point extends."""
    pattern = rf"(?<![\w.]){re.escape(answer)}(?!\w|\.\d)"
    return answer != "" and re.search(pattern, text, re.IGNORECASE) is not None
