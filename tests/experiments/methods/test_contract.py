"""Every method of the family, found by walking the package: a new one is covered unlisted."""

from dataclasses import replace

import pytest
import torch

from probexit.exits.replay import NO_EXIT
from probexit.experiments.evaluation.choice import all_methods, chosen
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.accounting import START
from probexit.experiments.methods.core.base import MethodFamily, Unavailable
from probexit.experiments.methods.core.live_rule import LiveRule
from probexit.experiments.methods.core.outcome import Outcome

METHODS = chosen("replayed")
LIVE = {name: method for name, method in all_methods().items() if not method.replayed}


@pytest.fixture(params=METHODS)
def method(request):
    return METHODS[request.param]


@pytest.fixture(scope="module")
def little(context):
    """Fewer traces, every edge among them, and a coarser grid."""
    s = context.splits
    splits = Splits(s.fit[:100], s.calibrate[:100], s.test[:100])
    return replace(context, splits=splits, grid=context.grid[::5])


@pytest.fixture(scope="module")
def decided(little):
    """What each method does on these."""
    return {name: METHODS[name].outcomes(little) for name in METHODS}


@pytest.fixture
def outcomes(decided, method):
    return decided[next(name for name in METHODS if METHODS[name] is method)]


def attempt(method, context):
    """The outcomes, or none and why not."""
    try:
        return method.outcomes(context), ""
    except Unavailable as why:
        return [], str(why)


def on_test(context, traces):
    splits = context.splits
    return replace(context, splits=Splits(splits.fit, splits.calibrate, traces))


def test_the_walk_finds_the_family():
    assert {"full_run", "no_thinking", "fixed_budget", "random_exit", "oracle"} <= set(METHODS)
    assert {"trial_confidence", "answer_consistency", "lynx", "probe"} <= set(METHODS)


@pytest.mark.parametrize("method", all_methods().values(), ids=all_methods())
def test_presents_itself(method):
    assert method.summary
    assert method.reads
    assert method.family in MethodFamily
    assert 0 < len(method.title) <= 24


def test_only_what_is_never_certified_promises_nothing():
    live = [method for method in all_methods().values() if isinstance(method, LiveRule)]
    assert {m.title for m in live if m.guarantee == "none"} == {
        m.title for m in live if not m.certifies
    }


def test_titles_differ():
    titles = [method.title for method in all_methods().values()]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", LIVE)
def test_what_generates_anew_needs_a_bench(name, little):
    with pytest.raises(Unavailable, match=r"bench|model"):
        LIVE[name].outcomes(little)


def test_leaves_every_trace_at_a_place_it_has(outcomes, little):
    for outcome in outcomes:
        assert len(outcome.exits) == len(outcome.probing) == len(little.splits.test)
        assert (outcome.probing >= 0).all()
        for trace, place in zip(little.splits.test, outcome.exits.tolist(), strict=True):
            assert place in {START, NO_EXIT} or 0 <= place < len(trace.cues)


def test_operating_points_have_different_names(outcomes):
    labels = [outcome.label for outcome in outcomes]
    assert len(set(labels)) == len(labels) > 0


def test_test_grades_change_no_decision(method, outcomes, little, flip_grades):
    flipped = [flip_grades(trace) for trace in little.splits.test]
    after = method.outcomes(on_test(little, flipped))
    same = [
        torch.equal(a.exits, b.exits) and a.threshold == b.threshold
        for a, b in zip(outcomes, after, strict=True)
    ]
    assert all(same) == method.deployable


def test_each_trace_is_decided_alone(method, outcomes, little):
    order = torch.randperm(len(little.splits.test)).tolist()
    mixed = on_test(little, [little.splits.test[i] for i in order])
    for a, b in zip(outcomes, method.outcomes(mixed), strict=True):
        assert torch.equal(a.exits[order], b.exits)
        assert torch.equal(a.probing[order], b.probing)


def test_what_comes_after_an_exit_does_not_matter(method, outcomes, little, cut_after):
    """A rule that looked ahead could not be deployed."""
    for outcome in outcomes:
        places = [max(place, 0) for place in outcome.exits.tolist()]
        cut = [cut_after(t, p) for t, p in zip(little.splits.test, places, strict=True)]
        again = {o.label: o for o in method.outcomes(on_test(little, cut))}[outcome.label]
        early = outcome.exits >= 0
        assert torch.equal(outcome.exits[early], again.exits[early])


def test_no_test_traces(method, little):
    assert all(len(o.exits) == 0 for o in method.outcomes(on_test(little, [])))


def test_test_traces_without_cues(method, little):
    silent = [trace for trace in little.splits.test if not len(trace.cues)]
    assert silent
    for outcome in method.outcomes(on_test(little, silent)):
        assert set(outcome.exits.tolist()) <= {NO_EXIT, START}
        assert outcome.probing.sum() == 0


def test_nothing_but_cueless_traces(method, little):
    """Either the method says why it cannot be used, or it thinks to the end."""
    silent = [t for t in (*little.splits.fit, *little.splits.test) if not len(t.cues)]
    bare = replace(little, splits=Splits(silent, silent, silent))
    outcomes, why = attempt(method, bare)
    assert all(set(o.exits.tolist()) <= {NO_EXIT, START} for o in outcomes)
    assert outcomes or "record" in why


@pytest.mark.parametrize("right", [True, False])
def test_calibration_with_one_grade_only(method, little, all_graded, right):
    """All right or all wrong: a threshold, never-exit, or a reason; no crash."""
    splits = little.splits
    same = [all_graded(trace, right) for trace in splits.calibrate]
    one_sided = replace(little, splits=Splits(splits.fit, same, splits.test))
    outcomes, why = attempt(method, one_sided)
    assert outcomes or "record" in why


def test_never_spends_more_thinking_than_the_full_run(outcomes, little):
    full = torch.tensor([trace.thinking for trace in little.splits.test])
    for outcome in outcomes:
        thinking = torch.from_numpy(outcome.trace_results(little.exit_values).thinking)
        assert (thinking <= full).all()


def test_certified_rules_keep_their_promise_on_test(method, context):
    """One draw, so with slack: a rule that ignored its calibration would be far above."""
    for outcome in method.outcomes(context):
        if outcome.certificate is not None:
            risk = outcome.trace_results(context.exit_values).loss.mean()
            assert risk <= outcome.certificate.alpha + 0.03


def test_nothing_saves_more_than_the_oracle_without_losing(decided, little):
    """Among rules that lose no answer the full run or the oracle's cue had."""
    thinking = {}
    for name, outcomes in decided.items():
        for outcome in outcomes:
            voted = type(outcome).trace_results is not Outcome.trace_results  # or silent
            if voted or (outcome.exits == START).any():
                continue  # its answers are not those of cues, which the oracle chooses among
            trace_results = outcome.trace_results(little.exit_values)
            thinking[name, outcome.label] = (
                trace_results.thinking.mean(),
                trace_results.correct.mean(),
            )
    saved, right = thinking["oracle", "earliest right cue"]
    assert right == max(accuracy for _, accuracy in thinking.values())
    rivals = [tokens for tokens, accuracy in thinking.values() if accuracy >= right]
    assert saved == min(rivals)
    assert saved < thinking["full_run", ""][0]  # or it would hold for nothing


def test_two_runs_agree(method, outcomes, little):
    for a, b in zip(outcomes, method.outcomes(little), strict=True):
        assert torch.equal(a.exits, b.exits)


def test_the_dial_passes_through_its_certified_points(method, outcomes, little):
    sweep = method.sweep(little)
    if sweep is None:
        return
    assert (sweep.grid.diff() < 0).all()
    trace_results = sweep.trace_results(little.splits.test, little.exit_values)
    for outcome in outcomes:
        column = (sweep.grid.double() == outcome.threshold).nonzero().flatten().tolist()
        if outcome.certificate is not None and column:
            assert (
                trace_results.thinking[:, column[0]]
                == outcome.trace_results(little.exit_values).thinking
            ).all()
            assert (
                trace_results.total[:, column[0]] == outcome.trace_results(little.exit_values).total
            ).all()
