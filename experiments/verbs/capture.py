"""Hidden states at the cues of one's own prompts, without grading anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.exits.shown import Shown
from probexit.experiments.recording.cues import cue_set
from probexit.experiments.recording.thinking import thinking_span
from probexit.experiments.verbs.record import REFLECTION, checked_layers
from probexit.hooks.capture import Capture
from probexit.hooks.models import Reasoner


@dataclass(frozen=True, repr=False)
class CapturedCues(Shown):
    """What a model's states were where it paused.

    Attributes:
        hidden: ``[n, L, d]`` float32, one row per cue.
        groups: ``[n]`` index of the prompt that each cue belongs to.
        positions: ``[n]`` index of the generated token that completes the cue.
        layers: The ``L`` layers, in order.
        texts: What the model wrote, one per prompt.
    """

    hidden: Tensor
    groups: Tensor
    positions: Tensor
    layers: tuple[int, ...]
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.groups)

    def described(self) -> tuple[str, dict[str, str]]:
        told = {
            "cues": str(len(self)),
            "texts": str(len(self.texts)),
            "layers": str(list(self.layers)),
            "width": str(self.hidden.shape[-1]),
        }
        return "States at cues", told

    def to_frame(self) -> Any:
        """Return one line per cue, as a pandas frame, without the states."""
        import pandas

        lines = {"prompt": self.groups.numpy(), "position": self.positions.numpy()}
        return pandas.DataFrame(lines)


def capture_at_cues(
    reasoner: Reasoner,
    prompts: Sequence[str],
    cues: str = "",
    layers: Sequence[int] = (),
    decoding: Decoding | None = None,
) -> CapturedCues:
    """Let a model answer prompts and keep its states wherever it pauses while it thinks.

    Args:
        reasoner: The model.
        prompts: What the user asks, without any chat formatting.
        cues: A cue set by name; "" the model's own.
        layers: Which layers to keep; () all.
        decoding: How to generate; greedy by default.

    Raises:
        ValueError: if no cue is met at all, or on a layer that the model has not.
    """
    how = decoding or Decoding(temperature=0)
    name = cues or reasoner.tokenizer.init_kwargs.get("probexit_cues", REFLECTION)
    wanted = checked_layers(layers, reasoner)
    asked = [reasoner.prompt(prompt) for prompt in prompts]
    written = generate(reasoner.model, reasoner.tokenizer, asked, None, how)
    states, groups, positions = [], [], []
    for i, (prompt, done) in enumerate(
        zip(tqdm(asked, "states", disable=None), written, strict=True)
    ):
        _, _, at = thinking_span(reasoner, cue_set(name), prompt, done.token_ids)
        if at:
            states.append(_states(reasoner, [*prompt, *done.token_ids], len(prompt), at, wanted))
            groups += [i] * len(at)
            positions += at
    if not states:
        raise ValueError(
            f"no cue of {name!r} was met in {len(prompts)} texts: choose others, see "
            "`probexit list cues`"
        )
    decode = reasoner.tokenizer.decode
    texts = tuple(decode(done.token_ids) for done in written)
    return CapturedCues(
        torch.cat(states), torch.tensor(groups), torch.tensor(positions), wanted, texts
    )


@torch.inference_mode()
def _states(
    reasoner: Reasoner, ids: Sequence[int], begin: int, at: Sequence[int], layers: tuple[int, ...]
) -> Tensor:
    """Read one text's states at its cues, in one pass."""
    model = reasoner.model
    columns = torch.tensor(at) + begin
    with Capture(model, layers, (torch.zeros_like(columns), columns)) as capture:
        model(input_ids=torch.tensor([list(ids)], device=model.device))
    return capture.chosen().float().cpu()
