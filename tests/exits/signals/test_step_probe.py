from dataclasses import replace

import torch

from probexit.exits.signals.step_probe import StepProbe
from probexit.probes.linear import LinearHead
from probexit.probes.logistic import Logistic


def head(weight: list[float]) -> Logistic:
    probe, d = Logistic(), len(weight)
    parts = LinearHead(torch.zeros(d), torch.ones(d), torch.tensor(weight), torch.tensor(0.5))
    probe.head_ = parts
    return probe


def test_reads_the_steps_mean_not_the_cue(answers) -> None:
    made = answers("ab")
    steps = torch.tensor([[[1.0]], [[3.0]]])
    trace = replace(made, cues=replace(made.cues, hidden=-steps, step_hidden=steps))
    signal = StepProbe(probe=head([2.0]), at=(4,), recorded=(4,))
    torch.testing.assert_close(signal.scores(trace), torch.sigmoid(torch.tensor([2.5, 6.5])))


def test_a_linear_heads_mean_over_tokens_is_its_value_at_their_mean() -> None:
    """Why a reward head that reads every token can be replayed from the steps' means."""
    tokens, probe = torch.randn(7, 3), head([1.0, -2.0, 0.5])
    logits = torch.logit(probe.score(tokens))
    torch.testing.assert_close(logits.mean(), torch.logit(probe.score(tokens.mean(0))))
