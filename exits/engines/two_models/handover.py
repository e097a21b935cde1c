"""Hand the text over where the model is unsure (Entropy Adaptive Decoding, arXiv 2502.06833)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import torch

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.summaries import entropy
from probexit.exits.engines.track import Track
from probexit.exits.engines.two_models.base import TwoModelEngine
from probexit.exits.engines.two_models.pair import ModelPair, TwoModelText


@dataclass(frozen=True)
class Handover(TwoModelEngine):
    """The large model writes while the mean entropy of the newest tokens is above a threshold.

    ``M_t = large if mean(H_(t-w+1) .. H_t) > threshold else small``, unless the model in charge
    has written fewer than ``least`` tokens. ``H`` is the entropy, at temperature 1, of whichever
    model was in charge; before the first token it is 0. A decision takes effect with the next
    token: if the token in hand were drawn again, every hand-over would waste a pass. The model that
    takes over reads what it has missed in one pass.

    Attributes:
        threshold: In nats (the paper counts in bits); ``inf`` = the small model alone, below 0 =
            the large one alone.
        window: Tokens of the rolling mean (w).
        least: Tokens a model writes before it may hand over (d_min; its value is not verified).
    """

    threshold: float
    window: int = 5
    least: int = 5

    def __post_init__(self) -> None:
        if self.window < 1 or self.least < 1:
            raise ValueError(f"window={self.window} and least={self.least} must both be at least 1")

    @torch.inference_mode()
    def write(
        self, pair: ModelPair, prompt: Sequence[int], decoding: Decoding, key: int = 0
    ) -> TwoModelText:
        tracks = {False: Track(pair.small, prompt), True: Track(pair.large, prompt)}
        uniforms, end = decoding.uniforms(key), pair.end
        written, by_large = list(prompt), list[bool]()
        recent: deque[float] = deque(maxlen=self.window)
        large, turn, finished = self.threshold < 0, 0, False
        while len(by_large) < decoding.max_new_tokens and not finished:
            wanted = fmean(recent or [0.0]) > self.threshold
            if turn >= self.least and wanted != large:
                large, turn = wanted, 0
            logits = tracks[large].follow(written)[-1:]
            recent.append(float(entropy(logits.log_softmax(-1))))
            token = int(decoding.draw(logits, uniforms[len(by_large)][None]))
            written.append(token)
            by_large.append(large)
            tracks[large].effort.written += 1
            turn += 1
            finished = token in end
        efforts = tracks[False].effort, tracks[True].effort
        return TwoModelText(written[len(prompt) :], by_large, finished, *efforts)
