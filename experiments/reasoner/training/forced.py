"""End the thinking at every cue, and see what the reasoner answers.

Each prefix is simply computed anew. That is slow beside the shared prefix of the toolkit, but it
shares no code with it: what the model card says does not rest on what it is meant to test.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from probexit.experiments.reasoner.thoughts import Checkpoint, ThoughtRun

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
CLOSING = "\n\nThe answer is"
BUDGET = 16384


@dataclass
class Case:
    """A thought with its forced exits, one per cue.

    Attributes:
        thought: the undisturbed run.
        answers: the answer at every cue.
        confidence: its probability.
        states: hidden states at the cue, [cues, layers + 1, width].
    """

    thought: ThoughtRun
    answers: list[str] = field(default_factory=list)
    confidence: list[float] = field(default_factory=list)
    states: list[Floats] = field(default_factory=list)

    @property
    def right(self) -> Bools:
        """Whether the exit at each cue is right."""
        return np.array([a == self.thought.problem.gold for a in self.answers], dtype=bool)

    @property
    def spent(self) -> NDArray[np.int64]:
        """Thinking tokens spent when leaving at each cue."""
        return np.array(self.thought.cues, dtype=np.int64) + 1

    @property
    def full(self) -> int:
        """Thinking tokens of the full run."""
        return len(self.thought.thinking)


def _groups(jobs: list[tuple[Case, int, list[int]]]) -> Iterator[list[tuple[Case, int, list[int]]]]:
    group: list[tuple[Case, int, list[int]]] = []
    for job in jobs:
        if group and (len(group) + 1) * len(job[2]) > BUDGET:
            yield group
            group = []
        group.append(job)
    if group:
        yield group


@torch.no_grad()
def force(reasoner: Checkpoint, thoughts: list[ThoughtRun]) -> list[Case]:
    """Force an exit at every cue of every thought."""
    tail = [reasoner.end_think, *reasoner.tokenizer.encode(CLOSING, add_special_tokens=False)]
    cases = [Case(thought) for thought in thoughts]
    jobs = [
        (case, cue, case.thought.prompt + case.thought.thinking[: cue + 1] + tail)
        for case in cases
        for cue in case.thought.cues
    ]
    jobs.sort(key=lambda job: len(job[2]))  # stable: the cues of a case stay in order
    for group in _groups(jobs):
        _answer(reasoner, group)
    return cases


def _answer(reasoner: Checkpoint, group: list[tuple[Case, int, list[int]]]) -> None:
    """Compute one group; what pads it on the right cannot be seen from the left."""
    width = max(len(ids) for _, _, ids in group)
    batch = torch.full((len(group), width), reasoner.tokenizer.pad_token_id)
    for row, (_, _, ids) in enumerate(group):
        batch[row, : len(ids)] = torch.tensor(ids)
    output = reasoner.model.model(input_ids=batch, output_hidden_states=True, use_cache=False)
    for row, (case, cue, ids) in enumerate(group):
        logits = reasoner.model.lm_head(output.last_hidden_state[row, len(ids) - 1])
        confidence, token = logits.float().softmax(-1).max(-1)
        place = len(case.thought.prompt) + cue
        case.answers.append(reasoner.tokenizer.decode([int(token)]).strip())
        case.confidence.append(float(confidence))
        case.states.append(torch.stack([h[row, place] for h in output.hidden_states]).numpy())
