"""Check that a lossless mode writes the full model's text, token for token, problem by problem."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from tqdm.auto import tqdm

from probexit.exits.depth.controller import DepthController
from probexit.exits.depth.tuning.rollouts import Writing, write
from probexit.experiments.depth.bench import DepthBench
from probexit.experiments.recording.tasks.base import Item


@dataclass(frozen=True)
class Difference:
    """A text that is not the full model's.

    Attributes:
        problem: Its place among those checked.
        token: Place of the first token that differs.
        margin: By how much the full model preferred its own token there, in logits: a tie of
            floating-point numbers is near 0.
    """

    problem: int
    token: int
    margin: float


def check(
    bench: DepthBench, controllers: Mapping[str, DepthController], items: Sequence[Item]
) -> dict[str, list[Difference]]:
    """Write every text plainly by ``model.generate``, and by each controller.

    Returns:
        Per controller, the texts that are not the plain ones.
    """
    model, writing = bench.reasoner.model, Writing(bench.max_new_tokens)
    found: dict[str, list[Difference]] = {name: [] for name in controllers}
    bar = tqdm(bench.prompts(items), desc="lossless", unit="text")
    for problem, prompt in enumerate(bar):
        (plain,) = write(model, [prompt], writing)
        for name, controller in controllers.items():
            with controller.attach(model):
                (text,) = write(model, [prompt], writing)
            if text != plain:
                found[name].append(_difference(bench, problem, prompt, (plain, text)))
        bar.set_postfix(different=sum(len(differences) for differences in found.values()))
    return found


@torch.inference_mode()
def _difference(
    bench: DepthBench, problem: int, prompt: Sequence[int], texts: tuple[list[int], list[int]]
) -> Difference:
    plain, text = texts
    shorter = min(len(plain), len(text))
    token = next((i for i in range(shorter) if plain[i] != text[i]), shorter)
    ids = torch.tensor([[*prompt, *plain[:token]]], device=bench.reasoner.model.device)
    best = bench.reasoner.model(input_ids=ids).logits[0, -1].float().topk(2).values
    return Difference(problem, token, float(best[0] - best[1]))
