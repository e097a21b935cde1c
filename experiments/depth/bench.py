"""A model, a task and its problems, cut so that fitting, calibration and test never share one."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from probexit.exits.depth.tuning.rollouts import Reference
from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.experiments.recording.tasks.base import Item, Task
from probexit.hooks.models import Reasoner


@dataclass(frozen=True)
class DepthBench:
    """Where layer exits are tried.

    Attributes:
        reasoner: The model.
        task: Where the problems come from and who grades.
        max_new_tokens: Limit of each text.
    """

    reasoner: Reasoner
    task: Task
    max_new_tokens: int = 400

    def items(self, first: int, n: int) -> list[Item]:
        """Return the task's problems ``first`` to ``first + n``.

        Raises:
            ValueError: if the task has fewer.
        """
        found = list(islice(self.task.items(), first, first + n))
        if len(found) < n:
            raise ValueError(
                f"the task has {first + len(found)} problems, {first + n} are needed: ask for fewer"
            )
        return found

    def prompts(self, items: Sequence[Item]) -> list[list[int]]:
        """Return the prompts' tokens."""
        return [self.reasoner.prompt(item.question) for item in items]

    def full_texts(
        self, prompts: Sequence[Sequence[int]], temperature: float = 0.0
    ) -> list[list[int]]:
        """Return what the full model writes after each prompt; greedily at temperature 0."""
        decoding = Decoding(max_new_tokens=self.max_new_tokens, temperature=temperature)
        done = generate(self.reasoner.model, self.reasoner.tokenizer, prompts, None, decoding)
        return [generation.token_ids for generation in done]

    def reference(self, items: Sequence[Item]) -> Reference:
        """Write problems in full: what roll-outs are compared with."""
        prompts = self.prompts(items)
        return Reference(prompts, self.full_texts(prompts))

    def answer(self, tokens: Sequence[int]) -> str:
        """Return the answer in a continuation; "" if there is none."""
        return self.task.extract(self.reasoner.after_thinking(tokens))

    def right(self, item: Item, tokens: Sequence[int]) -> bool:
        """Tell whether a continuation answers the problem."""
        return self.task.same(self.answer(tokens), item.gold)
