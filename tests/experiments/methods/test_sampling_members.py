"""What rules over several samples ask for; the recipes have their own tests."""

from types import SimpleNamespace

from probexit.exits.samples.perplexity_consistency import PerplexityConsistency
from probexit.experiments.methods.interventions.budget_forcing import BudgetForcing
from probexit.experiments.methods.online.fractured import FracturedSampling
from probexit.experiments.methods.online.lengthening import Lengthening
from probexit.experiments.methods.online.samples import Samples
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


def test_perplexity_consistency_votes_over_its_samples():
    found = ReasoningPruningPerplexity(samples=(5,)).recipes(NOTHING, NOTHING)
    assert found == {"5 samples": Samples(PerplexityConsistency(k=5))}
