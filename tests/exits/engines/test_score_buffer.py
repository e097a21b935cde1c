"""A growing history is the list of scores, at every length."""

import torch

from probexit.exits.engines.score_buffer import ScoreBuffer


def test_the_history_is_every_score_so_far() -> None:
    buffer, scores = ScoreBuffer(), torch.rand(200, dtype=torch.float64).tolist()
    for i, score in enumerate(scores):
        buffer.append(score)
        assert buffer.history().tolist() == [scores[: i + 1]]
    assert buffer.history().dtype == torch.float64
