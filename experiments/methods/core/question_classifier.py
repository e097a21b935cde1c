"""A classifier of the question's text, for rules that route before any token is generated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch import Tensor

from probexit.calibration.base import Array

WORDS = r"(?u)\w+|[^\w\s]"  # a sign is a word, too


@dataclass(frozen=True)
class QuestionClassifier:
    """Logistic regression on words, pairs of words and their counts (TF-IDF).

    Attributes:
        model: The fitted scikit-learn pipeline.
    """

    model: Any

    @classmethod
    def fit(cls, questions: Sequence[str], chance: Sequence[float]) -> Self:
        """Fit by cross-entropy on soft labels.

        Each question counts once for each of the two classes, with its chance as the weight.

        Args:
            questions: ``n`` texts.
            chance: ``n`` probabilities of the positive class, in [0, 1].

        Raises:
            ValueError: if all are certain and alike, or the texts hold no words.
        """
        soft = np.asarray(chance, np.float64)
        if (soft == 0).all() or (soft == 1).all():
            raise ValueError("all questions are of one class")
        model = make_pipeline(
            TfidfVectorizer(token_pattern=WORDS, ngram_range=(1, 2), sublinear_tf=True),
            LogisticRegression(max_iter=1000),
        )
        texts, labels = [*questions, *questions], [1] * len(soft) + [0] * len(soft)
        weights: Array = np.concatenate([soft, 1 - soft])
        model.fit(texts, labels, logisticregression__sample_weight=weights)
        return cls(model)

    def score(self, questions: Sequence[str]) -> Tensor:
        """Return the probability of the positive class of each question, ``[n]`` float32."""
        if not questions:
            return torch.empty(0)
        return torch.from_numpy(self.model.predict_proba(list(questions))[:, 1]).float()
