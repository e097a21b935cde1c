"""What is kept of live rules, and when they run again: counted on a recipe that runs nothing."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from probexit.exits.engines.decoding import Decoding
from probexit.experiments.methods.online.base import Recipe
from probexit.experiments.methods.online.live_evaluator import LiveEvaluator, keys
from probexit.experiments.methods.online.result_store import Fresh, Store
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import ThinkTags


@dataclass(frozen=True)
class Noted(Recipe):
    """Answers with a constant, and notes which problems it was asked for."""

    answer: str = "7"
    asked: list[list[str]] = field(default_factory=list)
    breaks_at: str = ""

    def settings(self):
        return {"answer": self.answer}

    def run(self, bench, traces, done: Callable[[], object]):
        if any(trace.problem == self.breaks_at for trace in traces):
            raise KeyboardInterrupt
        self.asked.append([trace.problem for trace in traces])
        return [Fresh(trace.problem, self.answer, False, 5, 2) for trace in traces]


@pytest.fixture
def bench(tiny_model, words_like, tmp_path):
    reasoner = Reasoner(tiny_model("llama"), words_like, ThinkTags(), " so", "tiny")
    return LiveEvaluator(
        reasoner, task("arith"), Decoding(8), tmp_path / "live", chunk=4, quiet=True
    )


@pytest.fixture
def words_like():
    return SimpleNamespace()


@pytest.fixture
def traces(make_traces):
    return make_traces(10)


def test_nothing_is_run_twice(bench, traces):
    first, second = Noted(), Noted()
    found = bench.measure(first, traces)
    assert [fresh.problem for fresh in found] == [trace.problem for trace in traces]
    assert list(map(len, first.asked)) == [4, 4, 2]
    assert bench.measure(second, traces) == found
    assert second.asked == []


def test_more_problems_are_added_and_order_does_not_matter(bench, traces):
    bench.measure(Noted(), traces[:5])
    more = Noted()
    found = bench.measure(more, traces[::-1])
    assert [fresh.problem for fresh in found] == [trace.problem for trace in traces[::-1]]
    asked = [problem for part in more.asked for problem in part]
    assert sorted(asked) == [trace.problem for trace in traces[5:]]


def test_an_interrupted_run_goes_on(bench, traces):
    with pytest.raises(KeyboardInterrupt):
        bench.measure(Noted(breaks_at=traces[6].problem), traces)
    (file,) = bench.cache.iterdir()
    with file.open("a") as out:
        out.write('{"problem": "p0000')  # killed while it wrote a line
    rest = Noted()
    assert len(bench.measure(rest, traces)) == 10
    assert list(map(len, rest.asked)) == [4, 2]
    assert len(Store(file).read()) == 10


def test_two_traces_of_a_problem_are_one_run(bench, traces):
    rule = Noted()
    assert len(bench.measure(rule, [traces[0], replace(traces[0], rollout=1)])) == 2
    assert rule.asked == [[traces[0].problem]]


@pytest.mark.parametrize("what", ["recipe", "seed", "temperature", "limit", "task", "model"])
def test_whatever_the_results_depend_on_is_in_the_key(what, bench, traces, tiny_model):
    bench.measure(Noted(), traces)
    changed, recipe, d = bench, Noted(), bench.decoding
    if what == "recipe":
        recipe = Noted("8")
    elif what == "model":
        model = tiny_model("llama")
        model.model.layers[-1].self_attn.o_proj.weight.data += 1
        changed = replace(bench, reasoner=replace(bench.reasoner, model=model))
    elif what == "task":
        changed = replace(bench, task=task("arith:hard"))
    else:
        name = {"seed": "seed", "temperature": "temperature", "limit": "max_new_tokens"}[what]
        changed = replace(bench, decoding=replace(d, **{name: getattr(d, name) + 1}))
    changed.measure(recipe, traces)
    assert len(recipe.asked) == 3
    assert len(list(bench.cache.iterdir())) == 2


def test_the_batch_size_is_not_in_the_key(bench, traces):
    bench.measure(Noted(), traces)
    again = Noted()
    replace(bench, decoding=Decoding(8, batch_size=1)).measure(again, traces)
    assert again.asked == []


def test_the_file_says_what_it_holds(bench, traces):
    bench.measure(Noted(), traces)
    (file,) = bench.cache.iterdir()
    heading = json.loads(file.read_text().splitlines()[0])
    assert heading["answer"] == "7"
    assert heading["recipe"] == "Noted"


def test_without_a_cache_nothing_is_kept(bench, traces, tmp_path):
    rule = Noted()
    loose = replace(bench, cache=None)
    loose.measure(rule, traces)
    loose.measure(rule, traces)
    assert len(rule.asked) == 6
    assert list(tmp_path.iterdir()) == []


def test_fresh_runs_draw_other_numbers_and_problems_their_own(bench, traces):
    assert bench.fresh == replace(bench.decoding, seed=bench.decoding.seed + 1)
    first, second = keys(traces), keys(traces, sample=1)
    assert len({*first, *second}) == 20
    assert keys(traces[::-1]) == first[::-1]
    sampled = replace(bench.fresh, temperature=1.0)
    assert not sampled.uniforms(first[0]).equal(sampled.uniforms(second[0]))
