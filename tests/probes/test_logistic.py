import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from probexit.probes.logistic import Logistic

GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(400, 5, generator=GENERATOR) * torch.tensor([1.0, 10, 0.1, 1, 1]) + 3
Y = (torch.rand(400, generator=GENERATOR) < torch.sigmoid(X[:, 0] - 5)).long()  # about 1 in 7


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("C", [0.01, 1.0])
def test_scores_are_those_of_the_scikit_learn_pipeline(C, class_weight):
    reference = make_pipeline(
        StandardScaler(), LogisticRegression(C=C, class_weight=class_weight, max_iter=1000)
    ).fit(X.numpy(), Y.numpy())
    scores = Logistic(C=C, class_weight=class_weight).fit(X, Y).score(X)
    expected = torch.tensor(reference.predict_proba(X.numpy())[:, 1]).float()
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-5)


def test_unweighted_scores_keep_the_base_rate_and_balanced_ones_do_not():
    rate = Y.float().mean()
    assert abs(Logistic().fit(X, Y).score(X).mean() - rate) < 1e-3
    assert Logistic(class_weight="balanced").fit(X, Y).score(X).mean() > rate + 0.2


def test_fitted_state_is_the_four_tensors_by_name():
    state = Logistic().fit(X, Y).state()
    assert {k: v.shape for k, v in state.items()} == {
        "mean": (5,),
        "scale": (5,),
        "weight": (5,),
        "bias": (),
    }
    torch.testing.assert_close(state["mean"], X.mean(0))
    torch.testing.assert_close(state["scale"], X.std(0, correction=0))
