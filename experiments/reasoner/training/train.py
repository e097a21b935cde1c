"""Train the reasoner: `python -m probexit.experiments.reasoner.training.train --out DIR`.

Two CPU cores and less than an hour suffice. The run is set by its seed and its number of steps;
it keeps its state in the output folder and goes on from there when it is started again. The deeper
sibling, made for exits in depth, is `--layers 12 --width 128 --early-exits`.
"""

import argparse
import itertools
import json
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM

from probexit.experiments.reasoner.grammar import problem
from probexit.experiments.reasoner.tokenizer import build, prompt
from probexit.experiments.reasoner.trace import HASTY
from probexit.experiments.reasoner.training.data import IGNORED, Batch, batches, draw
from probexit.experiments.reasoner.training.early import early_exit_loss
from probexit.experiments.reasoner.training.mixed import MixedOptimizer

WARM_UP = 80
COOL_DOWN = 0.4
LAST_RATE = 0.01
HASTY_RATE = 0.35


def new_model(tokenizer: Any, layers: int, width: int = 192) -> Any:
    """Make a small Llama with fresh weights."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            intermediate_size=8 * width // 3,
            max_position_embeddings=2048,
            tie_word_embeddings=True,
            initializer_range=0.05,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def rate_scale(step: int, steps: int) -> float:
    """Warm up, stay, and cool down linearly."""
    left = (steps - step) / (COOL_DOWN * steps)
    return min((step + 1) / WARM_UP, 1.0, max(left, LAST_RATE))


def hasty_scale(step: int, steps: int) -> float:
    """Cool down linearly once more, from a third of the rate."""
    return max(HASTY_RATE * (steps - step) / steps, LAST_RATE)


def batch_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Give the cross entropy ``[]`` of the labelled tokens; only these pass the output layer."""
    ids, labels = batch
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    targets = labels[:, 1:]
    chosen = targets != IGNORED
    return functional.cross_entropy(model.lm_head(hidden[chosen]).float(), targets[chosen])


@torch.no_grad()
def glance(
    model: Any, tokenizer: Any, difficulty: str = "even", number: int = 32
) -> dict[str, float]:
    """Let the model think about a few problems, greedily, to see where training stands."""
    rng = random.Random("a glance while training")
    problems = [problem(rng, "arith", difficulty) for _ in range(number)]
    inputs = tokenizer(
        [prompt(tokenizer, p.question) for p in problems], return_tensors="pt", padding=True
    )
    model.eval()
    output = model.generate(**inputs, max_new_tokens=400, do_sample=False)
    model.train()
    texts = tokenizer.batch_decode(output[:, inputs["input_ids"].shape[1] :])
    first = final = ended = checks = 0
    for drawn, text in zip(problems, texts, strict=True):
        first += f"answer is {drawn.gold}." in text.split("\n\n")[0]
        final += f"</think>\n\nThe answer is {drawn.gold}." in text
        ended += "</think>" in text
        checks += text.split("</think>")[0].count("\n\n")
    names = {"first": first, "final": final, "ended": ended, "checks": checks}
    return {name: round(count / number, 3) for name, count in names.items()}


def export(model: Any, master: list[torch.Tensor], tokenizer: Any, folder: Path) -> None:
    """Write the checkpoint (``master`` in any shape) in half precision, with the tokenizer.

    The configuration names float32: so that is what `from_pretrained` gives, since half precision
    is slow on a CPU, and ties in it would make greedy decoding depend on the batch.
    """
    names = [name for name, _ in model.named_parameters()]
    state = {name: weight.half() for name, weight in zip(names, master, strict=True)}
    settings = {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    settings |= {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    model.generation_config.update(**settings)
    model.save_pretrained(folder, state_dict=state)
    tokenizer.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["dtype"] = "float32"
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


class TrainingRun:
    """One training run, with its state in a folder.

    Attributes:
        difficulty: Of the problems that show where it stands.
    """

    difficulty = "even"

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.folder = Path(options.out)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = build()
        torch.manual_seed(options.seed)
        self.model = self.start()
        self.optimizer = MixedOptimizer(self.model, options.rate)
        self.done = self.tokens = 0
        self.seconds = 0.0
        self.loss: float | None = None
        self.log: list[dict[str, float]] = []
        if self.state_file.exists():
            self._load()

    def start(self) -> Any:
        """Make the model that is trained."""
        return new_model(self.tokenizer, self.options.layers, self.options.width)

    @property
    def state_file(self) -> Path:
        """Where the state is kept."""
        return self.folder / "state.pt"

    def _load(self) -> None:
        saved = torch.load(self.state_file, weights_only=True)
        self.optimizer.load(saved["optimizer"])
        self.done, self.tokens, self.seconds = saved["done"], saved["tokens"], saved["seconds"]
        self.loss, self.log = saved["loss"], saved["log"]

    def save(self) -> None:
        """Write the state and a checkpoint; the state is replaced in one go."""
        state = {name: getattr(self, name) for name in ("done", "tokens", "seconds", "loss", "log")}
        fresh = self.state_file.with_suffix(".new")
        torch.save({"optimizer": self.optimizer.state(), **state}, fresh)
        fresh.replace(self.state_file)
        folder = self.folder / "model"
        export(self.model, self.optimizer.master, self.tokenizer, folder)
        options = {k: v for k, v in vars(self.options).items() if k not in ("out", "start")}
        summary = {"options": options, "steps": self.done, "tokens": self.tokens}
        record = {**summary, "seconds": round(self.seconds), "log": self.log}
        (folder / "train_log.json").write_text(json.dumps(record, indent=1) + "\n")

    def loss_of(self, batch: Batch) -> torch.Tensor:
        """Give the loss that is learned from, ``[]``."""
        if not self.options.early_exits:
            return batch_loss(self.model, batch)
        return early_exit_loss(self.model, batch, random.Random(f"layers {self.done}"))

    def learn(self, batch: Batch, scale: float) -> None:
        """Take one step at ``scale`` times the rate."""
        started = time.perf_counter()
        loss = self.loss_of(batch)
        torch.autograd.backward(loss)
        self.optimizer.step(scale)
        value = loss.item()
        self.loss = value if self.loss is None else 0.97 * self.loss + 0.03 * value
        self.done += 1
        self.tokens += batch[0].numel()
        self.seconds += time.perf_counter() - started

    def note(self) -> None:
        """Look at the model, and remember what was seen."""
        entry: dict[str, float] = {"step": self.done, "tokens": self.tokens}
        entry["seconds"] = round(self.seconds)
        entry["loss"] = round(self.loss or 0.0, 4)
        self.log.append(entry | glance(self.model, self.tokenizer, self.difficulty))
        tqdm.write(json.dumps(self.log[-1]))

    def stream(self) -> Iterator[tuple[Batch, float]]:
        """Yield the batches that are left with their rates: first patient traces, then hasty."""
        seed, budget = self.options.seed, self.options.batch_tokens
        first, last = self.options.steps, self.options.hasty_steps
        patient = batches(self.tokenizer, seed, budget)
        for step, batch in enumerate(itertools.islice(patient, first)):
            if step >= self.done:
                yield batch, rate_scale(step, first)
        hasty = batches(self.tokenizer, seed + 1, budget, partial(draw, stopping=HASTY))
        for step, batch in enumerate(itertools.islice(hasty, last)):
            if first + step >= self.done:
                yield batch, hasty_scale(step, last)

    def train(self) -> None:
        """Take the steps that are left."""
        steps = self.options.steps + self.options.hasty_steps
        bar = tqdm(self.stream(), total=steps, initial=self.done, unit="step", mininterval=5)
        for batch, scale in bar:
            self.learn(batch, scale)
            if self.done % self.options.every == 0 or self.done == steps:
                self.note()
                self.save()


def parser() -> argparse.ArgumentParser:
    """Describe the options."""
    form = argparse.ArgumentParser(description="Train the shipped reasoner on a CPU.")
    form.add_argument("--out", required=True, help="folder for the state and the checkpoint")
    form.add_argument("--steps", type=int, default=3200, help="steps on patient traces")
    form.add_argument("--hasty-steps", type=int, default=320, help="then steps on hasty ones")
    form.add_argument("--batch-tokens", type=int, default=4096, help="padded tokens in a step")
    form.add_argument("--layers", type=int, default=6)
    form.add_argument("--width", type=int, default=192, help="of the residual stream")
    form.add_argument("--early-exits", action="store_true", help="teach every layer to answer")
    form.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    form.add_argument("--seed", type=int, default=0)
    form.add_argument("--every", type=int, default=250, help="steps between saves")
    return form


def main(arguments: list[str] | None = None) -> None:
    """Train from the command line.

    Raises:
        ValueError: on numbers that are not positive.
    """
    options = parser().parse_args(arguments)
    if (
        min(options.steps, options.hasty_steps, options.batch_tokens, options.layers, options.every)
        < 1
    ):
        raise ValueError("steps, batch tokens, layers and the distance of saves must be positive")
    TrainingRun(options).train()


if __name__ == "__main__":
    main()
