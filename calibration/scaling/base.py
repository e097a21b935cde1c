"""The contract of score calibration: from a probe's score to an honest probability.

A strictly increasing rescaling cannot change a threshold exit once the threshold is calibrated
again. It matters where scores are averaged, compared across probes, shown, or reported.
"""

import json
import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self, get_type_hints

import numpy as np
from numpy.typing import ArrayLike

from probexit.calibration.base import Array
from probexit.calibration.metrics.inputs import Scored


class Scaling(ABC):
    """A monotone map from a score to the probability that stopping is right.

    Fitted attributes end in an underscore and are plain numbers or lists, to be kept as JSON. Fit
    it on problems that neither trained the probe nor calibrate the threshold. Cues of a long
    trace outvote those of a short one; pass ``weights`` of 1 / cues to count problems.
    """

    fitted: ClassVar[tuple[str, ...]]

    @abstractmethod
    def fit(self, scores: ArrayLike, labels: ArrayLike, weights: ArrayLike | None = None) -> Self:
        """Fit on ``scores [n]``, ``labels [n]`` in {0, 1} and ``weights [n]``.

        Raises:
            ValueError: on a shape mismatch, no cues, or values that are not finite.
        """

    @abstractmethod
    def transform(self, scores: ArrayLike) -> Array:
        """Return probabilities of ``scores [...]``, ``[...]``; never decreasing in them.

        Raises:
            ValueError: before :meth:`fit`.
        """

    def to_json(self) -> str:
        """Return the fitted state."""
        return json.dumps({name: getattr(self, name) for name in self.fitted}, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: when the text does not hold this scaling's state.
        """
        state = json.loads(text)
        if not isinstance(state, dict) or set(state) != set(cls.fitted):
            raise ValueError(f"{cls.__name__} has {cls.fitted}, the text has {list(state)[:9]}")
        hints = get_type_hints(cls)
        for name, value in state.items():
            _require_finite(f"{cls.__name__}.{name}", value, hints[name])
        scaling = cls()
        vars(scaling).update(state)
        return scaling


def _require_finite(name: str, value: Any, hint: Any) -> None:
    """Refuse what is not the finite number, or list of them, that ``hint`` asks for."""
    numbers = value if hint == list[float] and isinstance(value, list) else [value]
    for number in numbers:
        if type(number) not in (int, float) or not math.isfinite(number):
            raise ValueError(f"{name} holds {number!r}, no finite number")


def smoothed(data: Scored) -> tuple[Array, Array, Array]:
    """Return scores, labels and weights ``[2n]`` with each label drawn towards the other class.

    Platt's targets, ``(N+ + 1) / (N+ + 2)`` for 1 and ``1 / (N- + 2)`` for 0 (Platt 1999, section
    2.2), as two weighted rows per cue: the fit stays finite on separable data and for one class.
    """
    s, y, w = data.scores, data.labels, data.weights
    ones = float(w @ y)
    target = np.where(y == 1, (ones + 1) / (ones + 2), 1 / (w.sum() - ones + 2))
    both = np.repeat([1.0, 0.0], len(s))
    return np.tile(s, 2), both, np.concatenate([w * target, w * (1 - target)])
