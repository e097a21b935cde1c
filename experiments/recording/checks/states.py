"""Captured states at every layer against ``output_hidden_states``."""

from typing import ClassVar

import torch

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
        theirs = _numbered(out.hidden_states, layers)
        if theirs is None:
            return self.has_not(
                f"the model returns {len(out.hidden_states)} hidden states for {layers} layers, "
                "so they cannot be compared",
                "captured states are used as they are; check one layer by hand",
            )
        off = [
            i
            for i, state in theirs.items()
            if not torch.allclose(captured[:, i], state, rtol=2**-6, atol=_scale(state))
        ]
        if off:
            return self.wrong(
                f"layers {off} differ from output_hidden_states",
                'name the layers: model.probexit_layers = "model.layers"',
            )
        return self.has(f"{layers} layers and the final norm")


def _numbered(states: tuple[torch.Tensor, ...], layers: int) -> dict[int, torch.Tensor] | None:
    """Return transformers' states by our layer index, or None if they are counted otherwise.

    Its tuple leaves out the last layer before the norm: index L is the norm's output.
    """
    if len(states) != layers + 1:
        return None
    found = {i: states[i + 1][0].float() for i in range(layers - 1)}
    return found | {layers: states[-1][0].float()}


def _scale(state: torch.Tensor) -> float:
    return 1e-3 * float(state.abs().mean())
