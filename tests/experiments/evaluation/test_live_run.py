"""Replay equals live: what the model writes under a controller is what the recording predicted."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from probexit.calibration.learn_then_test import LearnThenTest
from probexit.exits.controller import ExitController
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.generate import attach
from probexit.exits.engines.loop import generate
from probexit.exits.policies.threshold import Threshold
from probexit.exits.replay import exits
from probexit.exits.trace import Trace
from probexit.experiments.evaluation.live_run import Live, run_to_folder, summarise
from probexit.experiments.fitting.fit import fit
from probexit.experiments.recording.cues import cue_set
from probexit.experiments.recording.record import Recorder
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.by_name import task
from probexit.experiments.risk_control.certify import certify_rule
from probexit.experiments.risk_control.losses.lost_correct import LostCorrect
from probexit.hooks.models import Reasoner

TIE = 1e-4


@dataclass(frozen=True)
class Promise:
    """A controller, the traces it was not fitted on, and where replay says it leaves them."""

    controller: ExitController
    traces: list[Trace]
    exits: list[int | None]
    decoding: Decoding


def promise(run: Run, n: int) -> Promise:
    """Fit on the traces before the last ``n``; take a threshold that about two in three reach."""
    traces = run.traces()
    known, rest = traces[:-n], traces[-n:]
    fitted = fit(known, run.manifest.layers, layers=run.manifest.layers[-2:])
    highest = [fitted.signal.scores(t).max() for t in rest if len(t.cues)]
    certified = certify_rule(
        known, (fitted.signal, Threshold()), fitted.grid, LostCorrect(), LearnThenTest(0.2)
    )
    controller = certified.controller(run)
    controller = controller.with_threshold(float(torch.stack(highest).quantile(1 / 3)))
    left = exits(controller.policy, [fitted.signal.scores(t) for t in rest])
    return Promise(controller, rest, left, Decoding(**run.manifest.decoding))


@pytest.fixture(scope="module")
def promised(greedy_run: Run) -> Promise:
    return promise(greedy_run, 24)


def predicted(trace: Trace, left: int | None, closing: list[int]) -> list[int]:
    """The thinking up to the exit, the closing text, and the forced answer recorded there."""
    if left is None:
        return [int(i) for i in trace.token_ids]
    thinking = trace.token_ids[: int(trace.cues.positions[left]) + 1].tolist()
    return [*thinking, *closing, *[i for i in trace.cues.answer_ids[left].tolist() if i >= 0]]


@dataclass(frozen=True)
class Written:
    """What an engine wrote for a prompt, where it left, and the scores it saw on the way."""

    ids: list[int]
    left: int | None
    scores: list[float]


@torch.inference_mode()
def token_margin(model: Any, trace: Trace, common: list[int]) -> float:
    """How far apart the two likeliest next tokens are, in logits, after ``common``."""
    logits = model(torch.tensor([[*trace.prompt_ids.tolist(), *common]])).logits[0, -1]
    best, second = logits.float().topk(2).values.tolist()
    return float(best - second)


def score_margin(recorded: list[float], live: Written, left: int | None, threshold: float) -> float:
    """How far the live score is from the recorded one, if the threshold lies between them."""
    cue = min(c for c in (left, live.left) if c is not None)
    now, then = live.scores[cue], recorded[cue]
    return abs(now - then) if (now >= threshold) != (then >= threshold) else float("inf")


def difference(
    model: Any, promised: Promise, i: int, live: Written, expected: list[int]
) -> tuple[int, float]:
    """Return the first token that is not as predicted, and by what margin it came to differ."""
    trace, left, controller = promised.traces[i], promised.exits[i], promised.controller
    pairs = zip(live.ids, expected, strict=False)
    at = next((k for k, (a, b) in enumerate(pairs) if a != b), min(len(live.ids), len(expected)))
    if live.left == left:
        return at, token_margin(model, trace, expected[:at])
    recorded = controller.signal.scores(trace).tolist()
    return at, score_margin(recorded, live, left, controller.policy.threshold)


def compare(reasoner: Reasoner, promised: Promise, live: Sequence[Written]) -> list[float]:
    """Return the margin of each difference; fail on one that is no floating-point tie."""
    ties = []
    closing = promised.controller.closing_ids(reasoner.tokenizer)
    for i, (trace, left, row) in enumerate(zip(promised.traces, promised.exits, live, strict=True)):
        expected = predicted(trace, left, closing)
        ended = left is None or expected[-1] == reasoner.tokenizer.eos_token_id
        if row.ids == expected or (not ended and row.ids[: len(expected)] == expected):
            continue
        at, margin = difference(reasoner.model, promised, i, row, expected)
        assert margin <= TIE, f"{trace.problem} differs at token {at}, by {margin:.2e}"
        ties.append(margin)
    print(f"{len(ties)} of {len(promised.traces)} rows differ; margins of the ties: {ties}")
    return ties


def own_loop(reasoner: Reasoner, promised: Promise, batch: int) -> list[Written]:
    decoding = replace(promised.decoding, batch_size=batch)
    prompts = [t.prompt_ids.tolist() for t in promised.traces]
    done = generate(reasoner.model, reasoner.tokenizer, prompts, promised.controller, decoding)
    return [Written(g.token_ids, g.exit.cue if g.exit else None, list(g.scores)) for g in done]


def model_generate(reasoner: Reasoner, promised: Promise, batch: int) -> list[Written]:
    """``attach`` and ``model.generate``, as a user would: the tokenizer pads on the left."""
    texts = [reasoner.tokenizer.decode(t.prompt_ids) for t in promised.traces]
    end, rows = reasoner.tokenizer.eos_token_id, []
    with attach(reasoner.model, reasoner.tokenizer, promised.controller) as attachment:
        for i in range(0, len(texts), batch):
            inputs = reasoner.tokenizer(
                texts[i : i + batch], return_tensors="pt", padding=True, add_special_tokens=False
            )
            output = reasoner.model.generate(
                **{k: inputs[k] for k in ("input_ids", "attention_mask")},
                max_new_tokens=promised.decoding.max_new_tokens,
                do_sample=False,
            )
            answers = output[:, inputs["input_ids"].shape[1] :].tolist()
            for ids, row in zip(answers, attachment.rows, strict=True):
                stop = ids.index(end) + 1 if end in ids else len(ids)
                rows.append(Written(ids[:stop], row.exit.cue if row.exit else None, row.scores))
    return rows


def first(promised: Promise, n: int) -> Promise:
    return replace(promised, traces=promised.traces[:n], exits=promised.exits[:n])


def test_the_rule_is_worth_the_comparison(promised: Promise) -> None:
    left = [i for i in promised.exits if i is not None]
    assert 8 <= len(left) < len(promised.exits)
    assert len(set(left)) > 2
    pairs = zip(promised.traces, promised.exits, strict=True)
    saved = [t.thinking - t.thinking_at(i) for t, i in pairs]
    assert sum(saved) > 100


@pytest.mark.parametrize("engine", [own_loop, model_generate])
@pytest.mark.parametrize(("batch", "n"), [(1, 3), (8, 10), (64, 24)])
def test_replay_equals_live(
    engine: Callable[..., Any], batch: int, n: int, shipped: Reasoner, promised: Promise
) -> None:
    part = first(promised, n)
    live = engine(shipped, part, batch)
    assert len(compare(shipped, part, live)) <= 1


@pytest.fixture(scope="module")
def large(greedy_run: Run, shipped: Reasoner, tmp_path_factory: pytest.TempPathFactory) -> Promise:
    """260 problems recorded as ``greedy_run`` was, 200 of them to be predicted."""
    run = Run(tmp_path_factory.mktemp("runs") / "large")
    run.begin(greedy_run.manifest)
    manifest = greedy_run.manifest
    recorder = Recorder(
        shipped,
        task(manifest.task, None, manifest.seed),
        cue_set(manifest.cues),
        manifest.layers,
        Decoding(**manifest.decoding),
    )
    recorder.record(run, 260, 256)
    return promise(run, 200)


@pytest.mark.slow
@pytest.mark.parametrize("engine", [own_loop, model_generate])
@pytest.mark.parametrize("batch", [1, 8, 64])
def test_replay_equals_live_on_200_problems(
    engine: Callable[..., Any], batch: int, shipped: Reasoner, large: Promise
) -> None:
    live = engine(shipped, large, batch)
    assert len(compare(shipped, large, live)) <= 4


def test_a_wrong_prediction_is_noticed(shipped: Reasoner, promised: Promise) -> None:
    """The comparison itself: an exit one cue late, none at all, or another token, is no tie."""
    part = first(promised, 12)
    live = own_loop(shipped, part, 64)
    k = next(i for i, left in enumerate(part.exits) if left is not None)
    one = replace(part, traces=part.traces[k : k + 1], exits=part.exits[k : k + 1])
    compare(shipped, one, live[k : k + 1])
    for wrong in ([None], [part.exits[k] + 1]):
        with pytest.raises(AssertionError, match="differs at token"):
            compare(shipped, replace(one, exits=wrong), live[k : k + 1])
    for at in (0, -2):
        ids = list(live[k].ids)
        ids[at] = (ids[at] + 1) % 500
        with pytest.raises(AssertionError, match="differs at token"):
            compare(shipped, one, [replace(live[k], ids=ids)])


@pytest.fixture
def live(shipped: Reasoner, promised: Promise) -> Live:
    short = replace(promised.decoding, max_new_tokens=60)
    easy = replace(promised.controller, answer_tokens=8).with_threshold(0.0)
    return Live(shipped, task("arith:easy"), easy, short)


def read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_results_resume(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_to_folder(live, tmp_path / "whole", 5, chunk=2)
    assert read(tmp_path / "whole") == whole
    assert [r["id"] for r in whole] == [i.id for i in islice(live.task.items(), 5)]
    run_to_folder(live, tmp_path / "part", 2, chunk=2)
    with (tmp_path / "part" / "results.jsonl").open("a") as file:
        file.write(json.dumps(whole[2])[:40])  # killed in the middle of a line
    calls: list[int] = []
    original = Live.run
    monkeypatch.setattr(
        Live, "run", lambda self, items, at=0: calls.append(len(items)) or original(self, items, at)
    )
    resumed = run_to_folder(live, tmp_path / "part", 5, chunk=2)
    assert resumed == read(tmp_path / "part") == whole
    assert calls == [2, 1]
    assert run_to_folder(live, tmp_path / "part", 3) == whole[:3]


def test_another_runs_results_are_not_taken_over(live: Live, tmp_path: Path) -> None:
    run_to_folder(live, tmp_path, 1)
    assert live.controller is not None
    others = {
        "controller": replace(live, controller=None),
        "controller ": replace(live, controller=live.controller.with_threshold(0.9)),
        "temperature": replace(live, decoding=replace(live.decoding, temperature=1.0)),
        "task": replace(live, task=task("arith:hard")),
        "other problems": replace(live, task=task("arith:easy", None, 7)),
    }
    for reason, other in others.items():
        with pytest.raises(ValueError, match=reason.strip()):
            run_to_folder(other, tmp_path, 2)
    bigger = replace(live, decoding=replace(live.decoding, batch_size=3))
    assert len(run_to_folder(bigger, tmp_path, 2)) == 2


def test_summary_by_hand() -> None:
    line = {"correct": True, "thinking_tokens": 10, "tokens": 20, "exited": False, "finished": True}
    other = {**line, "correct": False, "thinking_tokens": 30}
    found = summarise([line, other])
    assert found["problems"] == 2
    assert found["correct"]["mean"] == 0.5
    assert found["thinking_tokens"]["mean"] == 20
    assert found["correct"]["low"] <= 0.5 <= found["correct"]["high"]


def test_an_exit_of_a_model_that_ends_by_itself_is_none(live: Live) -> None:
    plain = replace(live, controller=None).run(list(islice(live.task.items(), 3)))
    assert all(not r["exited"] and r["exit_cue"] is None and r["scores"] == [] for r in plain)
