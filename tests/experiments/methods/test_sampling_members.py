"""What rules over several samples ask for; the recipes have their own tests."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from probexit.exits.samples.perplexity_consistency import PerplexityConsistency
from probexit.exits.samples.short_m import ShortM
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.interventions.budget_forcing import BudgetForcing
from probexit.experiments.methods.online.fractured import FracturedSampling
from probexit.experiments.methods.online.intervention import InterventionRun
from probexit.experiments.methods.online.lengthening import Lengthening
from probexit.experiments.methods.online.result_store import Fresh
from probexit.experiments.methods.online.samples import Samples
from probexit.experiments.methods.samples.compute_optimal import ComputeOptimal, chosen
from probexit.experiments.methods.samples.fractured_sampling import FracturedTrajectories
from probexit.experiments.methods.samples.perplexity_consistency import ReasoningPruningPerplexity

NOTHING = SimpleNamespace()


def test_budget_forcing_replaces_the_end_by_the_published_word():
    assert BudgetForcing().recipes(NOTHING, NOTHING) == {
        "1 x Wait": Lengthening(1, "Wait"),
        "2 x Wait": Lengthening(2, "Wait"),
    }


def test_fractured_sampling_trades_trajectories_for_depth():
    found = FracturedTrajectories().recipes(NOTHING, NOTHING)
    assert found["2 x 1 x 1"] == FracturedSampling(2, 1, 1)
    assert found["1 x 4 x 2"] == FracturedSampling(1, 4, 2)


def fresh(correct: bool, tokens: int) -> Fresh:
    return Fresh("p", "a", correct, tokens, 0)


def test_compute_optimal_spends_where_it_pays():
    """Bin 0 is easy: one run does. In bin 1 only four runs are right."""
    tried = {
        "one run": [fresh(True, 10), fresh(False, 10)],
        "4 runs": [fresh(True, 40), fresh(True, 40)],
    }
    assert chosen(tried, [0, 1], 50) == {"0": "one run", "1": "4 runs"}
    assert chosen(tried, [0, 1], 20) == {"0": "one run", "1": "one run"}
    with pytest.raises(Unavailable, match="larger budget"):
        chosen(tried, [0, 1], 5)


def test_compute_optimal_routes_by_what_was_tried(small, hand_made):
    """Easy and hard questions are told apart by their start; hard ones need four runs."""

    def of(i):
        easy = i % 2 == 0
        trace = hand_made("+" if easy else "-", easy)
        state = torch.tensor([[4.0, 0.0] if easy else [0.0, 4.0]])
        start = replace(trace.start, hidden=state[:, None].expand(1, 3, 2))
        return replace(trace, problem=f"{'easy' if easy else 'hard'}{i}", start=start)

    rule = ComputeOptimal(bins=2, budgets=(4.0,), learn=40)

    def measure(recipe, traces, title):
        name = title.rpartition(": ")[2]
        runs = {"one run": 1, "lengthened": 2, "2 runs": 2, "4 runs": 4}[name]
        return [
            Fresh(t.problem, "a", t.problem.startswith("easy") or runs == 4, 10 * runs, 2)
            for t in traces
        ]

    splits = Splits([of(i) for i in range(40)], [], [of(40), of(41)])
    context = replace(small([hand_made("+", True)], [(0.1,)]), splits=splits)
    (routed,) = rule.recipes(context, SimpleNamespace(measure=measure)).values()
    chosen_by = {p: routed.treatments[b] for p, b in routed.routes.items()}
    assert chosen_by == {"easy40": InterventionRun(), "hard41": Samples(ShortM(k=4, m=4))}


def test_perplexity_consistency_votes_over_its_samples():
    found = ReasoningPruningPerplexity(samples=(5,)).recipes(NOTHING, NOTHING)
    assert found == {"5 samples": Samples(PerplexityConsistency(k=5))}
