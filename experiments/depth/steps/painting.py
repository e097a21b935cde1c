"""One text painted by the layer that each token left at."""

from pathlib import Path

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.tuning.rollouts import Writing, continuations
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.depth.figures import heat_map
from probexit.experiments.recording.tasks.base import Item
from probexit.hooks.layers import n_layers


def paint(bench: DepthBench, controller: DepthController, item: Item, file: Path) -> None:
    """Write one text by depth to a file; its first token comes from the prompt's own pass."""
    model, writing = bench.reasoner.model, Writing(bench.max_new_tokens)
    (text,), trace = continuations(model, controller, bench.prompts([item]), writing)
    depth = n_layers(model)
    depths = [depth, *trace.row()][: len(text)]
    html = heat_map(text, depths, depth, bench.reasoner.tokenizer.decode)
    file.write_text(html, encoding="utf-8")
