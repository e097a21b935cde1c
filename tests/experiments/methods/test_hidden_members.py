"""The rules that read hidden states: by hand where scores are given, and what each learns from."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from probexit.calibration.per_cue.class_conditional import ClassConditional
from probexit.exits.replay import NO_EXIT
from probexit.exits.signals.probe import ProbeSignal
from probexit.experiments.fitting.splits import Splits
from probexit.experiments.methods.core.base import Unavailable
from probexit.experiments.methods.hidden_states.attention_probe import AttentionProbePreset
from probexit.experiments.methods.hidden_states.averaged_probe import AveragedProbe
from probexit.experiments.methods.hidden_states.blade import Blade
from probexit.experiments.methods.hidden_states.early_stopped_probe import EarlyStoppedProbe
from probexit.experiments.methods.hidden_states.learn_to_stop import LearnToStop
from probexit.experiments.methods.hidden_states.lynx import Lynx
from probexit.experiments.methods.hidden_states.mean_pooled import MeanPooledPreset
from probexit.experiments.methods.hidden_states.orca import Orca
from probexit.experiments.methods.hidden_states.reward_head import RewardHead
from probexit.experiments.methods.hidden_states.self_verification import SelfVerificationPreset
from probexit.experiments.methods.hidden_states.terminator import Terminator
from probexit.experiments.methods.hidden_states.thinking_progress import ThinkingProgress
from probexit.experiments.methods.hidden_states.thinking_progress_gru import ThinkingProgressGRU
from probexit.experiments.methods.hidden_states.thought_consistent import ThoughtConsistent
from probexit.experiments.methods.hidden_states.thought_novel_leaf import ThoughtNovelLeaf
from probexit.experiments.methods.hidden_states.thought_supervised import ThoughtSupervised
from probexit.probes.linear import LinearHead
from probexit.probes.logistic import Logistic

NO_GOLD = (
    *(LearnToStop, ThoughtConsistent, ThoughtNovelLeaf, Terminator),
    *(ThinkingProgress, ThinkingProgressGRU),
)
GOLD = (
    *(Lynx, SelfVerificationPreset, ThoughtSupervised, Orca, RewardHead),
    *(AttentionProbePreset, MeanPooledPreset),
)


def given(preset):
    """The preset with the context's scores in place of its own signal."""

    class Given(preset):
        def signal(self, context):
            return context.probe

    return Given()


def exits(preset, context):
    return {o.label: o.exits.tolist() for o in given(preset).outcomes(context)}


def one(small, hand_made, scores):
    return small([hand_made("-" * (len(scores) - 1) + "+", True)], [scores])


@pytest.fixture(scope="module")
def few(context):
    """Fewer traces to fit on and to test on."""
    s = context.splits
    return replace(context, splits=Splits(s.fit[:120], s.calibrate[:120], s.test[:60]))


def scores(preset, context):
    signal = preset().sweep(context).signal
    return torch.cat([signal.scores(trace) for trace in context.splits.test])


def test_self_verification_leaves_at_the_first_verified_answer(small, hand_made):
    context = one(small, hand_made, (0.849, 0.2, 0.85, 0.9))
    assert exits(SelfVerificationPreset, context)["published 0.85"] == [2]


def test_learn_to_stop_at_both_thresholds(small, hand_made):
    found = exits(LearnToStop, one(small, hand_made, (0.4, 0.5, 0.98, 0.995)))
    assert found["published 0.5"] == [1]
    assert found["published 0.99"] == [3]


def test_terminator_needs_a_majority_of_the_last_ten(small, hand_made):
    found = exits(Terminator, one(small, hand_made, (0.6, 0.9, 0.1, 0.75, 0.71)))
    assert found["published 0.7"] == [4]  # 0/1, 1/2, 1/3, 2/4, 3/5


@pytest.mark.parametrize(
    "preset", [ThoughtSupervised, ThoughtConsistent, ThoughtNovelLeaf, Orca], ids=lambda p: p.title
)
def test_scores_are_averaged_over_ten_steps(preset, small, hand_made):
    context = one(small, hand_made, (0.0, 0.4, *[0.5] * 9, 0.55))
    sweep = given(preset).sweep(context)
    at = torch.tensor([0.49, 0.5, 0.2, 0.501], dtype=torch.float64)
    # the tenth cue still averages the first one, the eleventh no longer: .44, .49, .505
    assert sweep.exits(context.splits.test, at).tolist() == [[10, 11, 1, 11]]


def test_a_moving_average_is_not_carried_away(small, hand_made):
    """Means of .2, .41, .437 and .6059 at a weight of .3: one high score alone does not leave."""
    context = one(small, hand_made, (0.2, 0.9, 0.5, 1.0))
    sweep = AveragedProbe().sweep(context)
    at = torch.tensor([0.42, 0.6, 0.7], dtype=torch.float64)
    assert sweep.exits(context.splits.test, at).tolist() == [[2, 3, NO_EXIT]]


def test_blade_takes_two_accepts_in_a_row(small, hand_made):
    traces = [hand_made("---+", True), hand_made("--+", True)]
    context = small(traces, [(0.9, 0.1, 0.85, 0.81), (0.9, 0.1, 0.9)])
    sampled = torch.tensor([[False, True], [True, True]])  # unanimous at the second cue alone
    calibrate = [
        replace(t, cues=replace(t.cues, sampled_right=sampled)) for t in context.splits.calibrate
    ]
    context = replace(context, splits=replace(context.splits, calibrate=calibrate))
    # unsafe cues score .2, safe ones .8, so anything above .2 with p >= .8 is accepted
    assert exits(Blade, context)["published 99 %"] == [3, NO_EXIT]


def test_blade_says_how_to_record_its_labels(few):
    bare = [replace(t, cues=replace(t.cues, sampled_right=None)) for t in few.splits.fit]
    context = replace(few, splits=replace(few.splits, fit=bare))
    for ask in (Blade().sweep, Blade().outcomes):
        with pytest.raises(Unavailable, match="--answer-samples 16"):
            ask(context)


def test_blade_reads_the_best_layers(few):
    """The last layer tells most in these traces, the first least."""
    assert Blade(layers=1).sweep(few).signal.at == (8,)
    assert Blade(layers=2).sweep(few).signal.at == (5, 8)
    assert Blade().sweep(few).signal.at == (2, 5, 8)


@pytest.mark.parametrize(
    ("recorded", "at"),
    [(tuple(range(29)), (9, 16, 28)), ((2, 5, 8), (2, 5, 8)), ((0, 6), (0, 6)), ((4,), (4,))],
)
def test_lynx_takes_an_early_a_middle_and_the_last_layer(few, recorded, at):
    d, traces = 3, []
    for trace in few.splits.fit:
        generator = torch.Generator().manual_seed(int(trace.problem[1:]))
        hidden = torch.randn(len(trace.cues), len(recorded), d, generator=generator)
        traces.append(replace(trace, cues=replace(trace.cues, hidden=hidden)))
    zero, one_, flat = torch.zeros(d), torch.ones(d), torch.tensor(0.0)
    probe = Logistic()
    probe.head_ = LinearHead(zero, one_, zero, flat)
    shared = ProbeSignal(probe=probe, at=recorded[-1:], recorded=recorded)
    context = replace(few, probe=shared, splits=replace(few.splits, fit=traces))
    signal = Lynx().signal(context)
    assert signal.at == at
    assert signal.probe.width == d * len(at)


def test_lynx_as_a_threshold_is_the_set_rule(few):
    """One number says what the published pair of quantiles says, at every cue."""
    sweep = Lynx().sweep(few)
    p = torch.cat(sweep.scores(few.splits.calibrate)).double().numpy()
    right = np.concatenate([t.cues.correct.numpy() for t in few.splits.calibrate])
    for outcome, delta in zip(Lynx().outcomes(few), (0.1, 0.05), strict=False):
        rule = ClassConditional(delta).calibrate(p, right)
        for trace, left in zip(few.splits.test, outcome.exits.tolist(), strict=True):
            accepted = rule.exits(sweep.signal.scores(trace).double().numpy())
            assert left == (int(accepted.argmax()) if accepted.any() else NO_EXIT)
        assert Lynx().points(few)[outcome.label] == outcome.threshold
        assert outcome.note == ClassConditional.promise.format(delta=delta)
        assert outcome.certificate is None


@pytest.mark.parametrize("preset", [Lynx, Blade])
def test_per_cue_rules_need_both_grades(preset, few, all_graded):
    same = [all_graded(trace, True) for trace in few.splits.calibrate]
    unanimous = [
        replace(t, cues=replace(t.cues, sampled_right=torch.ones(len(t.cues), 4).bool()))
        for t in same
    ]
    context = replace(few, splits=replace(few.splits, calibrate=unanimous))
    with pytest.raises(Unavailable, match="record harder problems"):
        preset().outcomes(context)


def regraded(context):
    """The same traces to fit on, every forced answer graded the other way round."""
    fit = [
        replace(t, gold="", correct=not t.correct, cues=replace(t.cues, correct=~t.cues.correct))
        for t in context.splits.fit
    ]
    return replace(context, splits=replace(context.splits, fit=fit))


@pytest.mark.parametrize("preset", NO_GOLD, ids=lambda p: p.title)
def test_what_claims_to_need_no_gold_does_not_read_it(preset, few):
    assert torch.equal(scores(preset, regraded(few)), scores(preset, few))


@pytest.mark.parametrize("preset", GOLD, ids=lambda p: p.title)
def test_what_is_taught_by_gold_turns_with_it(preset, few):
    right = torch.cat([t.cues.correct for t in few.splits.test])
    taught, untaught = scores(preset, few), scores(preset, regraded(few))
    assert taught[right].mean() > taught[~right].mean() + 0.05
    assert untaught[right].mean() < untaught[~right].mean()


def test_supervised_thought_leaves_unsolved_problems_out(few):
    """What is never right teaches nothing: other states there change no score."""
    changed = [
        t
        if t.cues.correct.any()
        else replace(t, cues=replace(t.cues, step_hidden=-t.cues.step_hidden))
        for t in few.splits.fit
    ]
    other = replace(few, splits=replace(few.splits, fit=changed))
    assert torch.equal(scores(ThoughtSupervised, other), scores(ThoughtSupervised, few))
    assert not torch.equal(scores(Orca, other), scores(Orca, few))  # which keeps them


@pytest.mark.parametrize("preset", [ThinkingProgress, ThinkingProgressGRU])
def test_progress_follows_the_position(preset, few):
    """States that count the thinking tokens tell how much of it is done."""

    def counting(trace):
        share = (trace.cues.positions + 1 - trace.begins) / trace.thinking
        hidden = share[:, None, None] * torch.ones(1, 3, 8) * torch.linspace(0.5, 1, 8)
        return replace(trace, cues=replace(trace.cues, hidden=hidden.bfloat16()))

    s = few.splits
    told = replace(
        few,
        splits=Splits([counting(t) for t in s.fit], s.calibrate, [counting(t) for t in s.test]),
    )
    share = torch.cat([(t.cues.positions + 1 - t.begins) / t.thinking for t in s.test])
    found = scores(preset, told)
    assert torch.corrcoef(torch.stack([found, share]))[0, 1] > 0.9


@pytest.mark.parametrize("preset", [*NO_GOLD, *GOLD, Blade], ids=lambda p: p.title)
def test_unknown_layers_are_a_reason(preset, small, hand_made):
    """A context whose probe reads no hidden states does not tell which layers there are."""
    context = small([hand_made("-+", True)], [(0.1, 0.9)])
    with pytest.raises(Unavailable, match="record"):
        preset().sweep(context)


def test_an_epoch_in_play_more_never_leaves_earlier(context):
    """The certified row holds its promise on the test traces; the best epoch alone has none."""
    s = context.splits
    few = replace(context, splits=replace(s, fit=s.fit[:60]))
    best, certified = EarlyStoppedProbe(epochs=8).outcomes(few)
    assert best.certificate is None
    assert certified.certificate.certified
    lost = context.loss.table(s.test, certified.exits[:, None]).mean()
    assert lost < context.alpha + 0.03
    assert 0.2 < certified.exited <= best.exited
