"""Captured states at every layer against ``output_hidden_states``."""

from typing import ClassVar

import torch
from torch import Tensor

from probexit.experiments.recording.checks.base import Finding, ModelCheck, Subject
from probexit.hooks.capture import Capture, CaptureError
from probexit.hooks.layers import n_layers


class States(ModelCheck):
    """Each layer's state is what transformers calls it."""

    title: ClassVar[str] = "hidden states at every layer"
    short: ClassVar[bool] = True

    def run(self, subject: Subject) -> Finding:
        model = subject.model
        layers = n_layers(model)
        ids = torch.tensor([subject.prompts[0]], device=model.device)
        columns = torch.arange(ids.shape[1])
        with torch.inference_mode():
            try:
                with Capture(model, range(layers + 1), (columns * 0, columns)) as capture:
                    out = model(input_ids=ids, output_hidden_states=True)
                captured = capture.chosen().float()
            except CaptureError as error:
                raise ValueError(str(error)) from error
        off = [_differing(captured, states) for states in _numberings(out.hidden_states, layers)]
        if not off:
            return self.has_not(
                f"the model returns {len(out.hidden_states)} hidden states for {layers} layers, "
                "so they cannot be compared",
                "captured states are used as they are; compare one layer by hand",
            )
        if all(off):
            return self.wrong(
                f"layers {min(off, key=len)} differ from output_hidden_states",
                'name the layers: model.probexit_layers = "model.layers"',
            )
        return self.has(f"{layers} layers and the final norm")


def _numberings(states: tuple[Tensor, ...], layers: int) -> list[dict[int, Tensor]]:
    """Return transformers' states by our layer index, in each way in which it counts them.

    Most models begin with the embedding and leave out the last layer before the norm; state-space
    models begin with the first layer. The last entry is the norm's output in both.
    """
    if len(states) != layers + 1:
        return []
    last = {layers: states[-1][0].float()}
    usual = {i: states[i + 1][0].float() for i in range(layers - 1)}
    from_the_first = {i: states[i][0].float() for i in range(layers)}
    return [usual | last, from_the_first | last]


def _differing(captured: Tensor, theirs: dict[int, Tensor]) -> list[int]:
    """Return the layers at which ``captured [t, L, d]`` is not what it should be."""
    return [
        i
        for i, state in theirs.items()
        if not torch.allclose(captured[:, i], state, rtol=2**-6, atol=_scale(state))
    ]


def _scale(state: Tensor) -> float:
    return 1e-3 * float(state.abs().mean())
