"""Self-speculation on the shipped models writes the full model's text on 500 prompts."""

from pathlib import Path

import pytest

from probexit.experiments import reasoner
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.lossless import check
from probexit.experiments.depth.prepare import Sizes, Workshop
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.models import Source, load

PROMPTS = 500
DEEP = getattr(reasoner, "deep_path", reasoner.path)()
NAMES = ("probe-speculative", "layerskip", "draft-and-verify", "specdec++")


@pytest.mark.slow
@pytest.mark.parametrize("folder", sorted({reasoner.path(), DEEP}), ids=str)
def test_five_hundred_texts_are_the_full_models(folder: Path, tmp_path: Path) -> None:
    if not folder.is_dir():
        pytest.skip(f"{folder} is not in this checkout")
    bench = DepthBench(load(Source(str(folder))), task("arith"), 300)
    layers = tuple(range(1, bench.reasoner.model.config.num_hidden_layers - 2, 2))
    workshop = Workshop(bench, layers, Sizes(fit=30), tmp_path)
    made = {name: workshop.prepared(name).controller for name in NAMES}
    drafting = {name: controller for name, controller in made.items() if controller is not None}
    assert len(drafting) >= 1
    found = check(bench, drafting, bench.items(1000, PROMPTS))
    assert found == {name: [] for name in drafting}
