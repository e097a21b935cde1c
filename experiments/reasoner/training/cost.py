"""What one forward pass of each shipped model costs, measured beside each other.

`python -m probexit.experiments.reasoner.training.cost OUT.json`: one token behind ``CONTEXT``
cached ones, batch 1, one thread; the models take turns, so that a busy machine slows all of them.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import torch
from tqdm import tqdm
from transformers import DynamicCache

from probexit.hooks.forward import forward
from probexit.hooks.models import IN_PACKAGE, Source, load

CONTEXT = 256
ROUNDS = 200


def operations(model: Any, context: int = CONTEXT) -> int:
    """Return the multiplications of one token behind ``context`` others.

    One for every weight of a matrix, and in each layer two for every cached value: scores and
    means of the attention. The embedding is looked up; tied to the output layer, it counts there.
    """
    config = model.config
    matrices = sum(p.numel() for n, p in model.named_parameters() if p.ndim > 1)
    return int(matrices + 2 * config.num_hidden_layers * context * config.hidden_size)


class MeteredStep:
    """One decoding step of a model behind the same text, again and again."""

    def __init__(self, name: str) -> None:
        reasoner = load(Source(name))
        self.model = reasoner.model
        question = reasoner.prompt("Start with 7. (1) add 5. Work modulo 23. What is the result?")
        self.ids = torch.tensor([(question * CONTEXT)[:CONTEXT]])
        self.cache = DynamicCache()
        places = torch.arange(CONTEXT)[None]
        forward(self.model, self.ids, self.cache, places, keep=1)

    @torch.inference_mode()
    def seconds(self) -> float:
        """Take the step once; return the processor time it took."""
        started = time.process_time()
        forward(self.model, self.ids[:, -1:], self.cache, torch.tensor([[CONTEXT]]), keep=1)
        taken = time.process_time() - started
        self.cache.crop(-1)
        return taken


@torch.inference_mode()
def measure(names: tuple[str, ...], rounds: int = ROUNDS) -> dict[str, dict[str, float]]:
    """Return for each model its milliseconds a token (median), multiplications and parameters."""
    steps = {name: MeteredStep(name) for name in names}
    taken: dict[str, list[float]] = {name: [] for name in names}
    for _ in tqdm(range(rounds), unit="round"):
        for name, step in steps.items():
            taken[name].append(step.seconds())
    return {
        name: {
            "milliseconds": round(1000 * median(taken[name]), 3),
            "multiplications": operations(step.model),
            "parameters": sum(p.numel() for p in step.model.parameters()),
        }
        for name, step in steps.items()
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure from the command line."""
    form = argparse.ArgumentParser(description="Measure a forward pass of each shipped model.")
    form.add_argument("out", type=Path, help="where the numbers go")
    options = form.parse_args(arguments)
    torch.set_num_threads(1)
    found = {"context": CONTEXT, "rounds": ROUNDS, "models": measure(tuple(IN_PACKAGE))}
    options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
