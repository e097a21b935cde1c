"""lm-evaluation-harness with and without a controller: its own `hf` model, a local task.

Run: python docs/examples/lm_eval_harness.py CONTROLLER --n 50
"""

import argparse
from contextlib import nullcontext
from typing import Any

from arith_questions import questions
from datasets import Dataset
from lm_eval import simple_evaluate
from lm_eval.api.task import ConfigurableTask
from lm_eval.models.huggingface import HFLM

import probexit as px


def task(n: int) -> ConfigurableTask:
    """A task of the harness whose questions are made here."""
    number = {"function": "regex", "regex_pattern": r"answer is (-?\d+)"}
    return ConfigurableTask(
        config={
            "task": "arith_local",
            "custom_dataset": lambda **_: {"test": Dataset.from_list(questions(n))},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{question}}",
            "doc_to_target": "{{answer}}",
            # "until" is looked for in the thinking, too: give none
            "generation_kwargs": {"until": [], "do_sample": False, "max_gen_toks": 512},
            "filter_list": [{"name": "number", "filter": [number, {"function": "take_first"}]}],
            "metric_list": [
                {"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}
            ],
        }
    )


class Counted(HFLM):  # type: ignore[misc]
    """The harness's `hf` model, which also counts the tokens it writes."""

    written = 0

    def _model_generate(self, context: Any, *arguments: Any, **settings: Any) -> Any:
        out = super()._model_generate(context, *arguments, **settings)
        new = out[:, context.shape[1] :]
        self.written += int((new != self.tokenizer.pad_token_id).sum())
        return out


def main() -> None:
    """Evaluate twice, and print accuracy and tokens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("controller")
    parser.add_argument("--n", type=int, default=50)
    options = parser.parse_args()
    reasoner = px.load("shipped")
    controller = px.ExitController.load(options.controller)
    for name, attached in (
        ("full run", nullcontext()),
        ("with the controller", px.attach(reasoner, controller)),
    ):
        model = Counted(
            pretrained=reasoner.model,
            tokenizer=reasoner.tokenizer,
            think_end_token=reasoner.tags.close,  # graded is what stands behind it
            batch_size=16,
            max_length=768,
        )
        with attached:
            found = simple_evaluate(model, tasks=[task(options.n)], apply_chat_template=True)
        right = found["results"]["arith_local"]["exact_match,number"]
        print(f"{name}: {right:.1%} right, {model.written / options.n:.0f} tokens each")


if __name__ == "__main__":
    main()
