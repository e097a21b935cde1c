"""What could tell at a cue whether to stop: hidden states, and rules that need only the text."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from probexit.experiments.reasoner.training.forced import Case

Array = NDArray[np.float64]
Score = Callable[[Case], Array]
STRENGTH = 0.003
"""Inverse regularisation of the probe; a few thousand cues against a thousand features."""
DRAWS = 500


def labels(cases: Sequence[Case]) -> NDArray[np.bool_]:
    """Say of every cue whether leaving there is right, ``[cues]``."""
    return np.concatenate([case.right for case in cases])


def fitted(features: Score, cases: Sequence[Case], strength: float = 1.0) -> Score:
    """Fit a logistic regression, and give its score as a function of a case."""
    model: Any = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=3000))
    model.fit(np.concatenate([features(case) for case in cases]), labels(cases))

    def score(case: Case) -> Array:
        return np.asarray(model.predict_proba(features(case))[:, 1], dtype=float)

    return score


def states(layer: int | None) -> Score:
    """Give the hidden states of one layer as features, or of all layers side by side."""

    def features(case: Case) -> Array:
        stacked = np.stack(case.states).astype(float)
        return stacked.reshape(len(stacked), -1) if layer is None else stacked[:, layer]

    return features


def place(case: Case) -> Array:
    """Give cue index, position and length of the question as features."""
    index = np.arange(len(case.answers))
    question = np.full(len(index), len(case.thought.prompt))
    return np.stack([index, case.spent, question], axis=1).astype(float)


def run_length(case: Case) -> Array:
    """Count how often in a row the forced answer has been the same."""
    counts: list[int] = []
    for k, answer in enumerate(case.answers):
        same = k > 0 and answer == case.answers[k - 1]
        counts.append(counts[-1] + 1 if same else 1)
    return np.array(counts, dtype=float)


def marker(cases: Sequence[Case]) -> Score:
    """Score a cue by how often leaving at its word was right."""
    words = [word for case in cases for word in case.thought.words]
    right = labels(cases)
    share = {w: float(right[[v == w for v in words]].mean()) for w in set(words)}
    return lambda case: np.array([share.get(word, 0.0) for word in case.thought.words])


def trivial(cases: Sequence[Case]) -> dict[str, Score]:
    """Give the rules that a probe has to beat."""
    return {
        "cue index": lambda case: place(case)[:, 0],
        "position": lambda case: place(case)[:, 1],
        "length of the question": lambda case: -place(case)[:, 2],
        "index + position + length": fitted(place, cases),
        "run length of equal answers": run_length,
        "marker word": marker(cases),
        "forced-answer confidence": lambda case: np.array(case.confidence),
    }


def auroc(score: Score, cases: Sequence[Case], seed: int = 0) -> list[float]:
    """Give the AUROC over cues with a 95 % bootstrap interval over problems."""
    parts = [(score(case), case.right) for case in cases]
    rng = np.random.default_rng(seed)
    values = []
    for draw in range(DRAWS + 1):
        chosen = rng.integers(len(parts), size=len(parts)) if draw else np.arange(len(parts))
        right = np.concatenate([parts[i][1] for i in chosen])
        values.append(roc_auc_score(right, np.concatenate([parts[i][0] for i in chosen])))
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return [round(float(v), 4) for v in (values[0], low, high)]
