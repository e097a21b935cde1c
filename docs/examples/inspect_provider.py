"""Inspect with and without a controller: a model provider over `model.generate`.

Run: python docs/examples/inspect_provider.py CONTROLLER --n 50
"""

import argparse
from contextlib import nullcontext
from tempfile import mkdtemp
from typing import Any

import torch
from arith_questions import questions
from inspect_ai import Task
from inspect_ai import eval as evaluate
from inspect_ai.dataset import Sample
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    get_model,
    modelapi,
)
from inspect_ai.scorer import pattern
from inspect_ai.tool import ToolChoice, ToolInfo

import probexit as px


@modelapi(name="probexit")
class Provider(ModelAPI):
    """``probexit/shipped``, a folder or a hub id; argument ``controller`` stops its thinking."""

    def __init__(self, model_name: str, controller: str = "", **settings: Any) -> None:
        super().__init__(model_name)
        self.reasoner = px.load(model_name)
        self.controller = px.ExitController.load(controller) if controller else None

    def max_connections(self) -> int:
        """One request at a time: hidden states are read from the model, which all would share."""
        return 1

    def attached(self) -> Any:
        """The block in which the controller stops the model, if there is one."""
        return px.attach(self.reasoner, self.controller) if self.controller else nullcontext()

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """Answer one conversation; Inspect shows the thinking apart from the answer."""
        tokenizer, tags = self.reasoner.tokenizer, self.reasoner.tags
        chat = [{"role": message.role, "content": message.text} for message in input]
        ids = tokenizer.apply_chat_template(
            chat, add_generation_prompt=True, return_tensors="pt", return_dict=False
        )
        settings = {"max_new_tokens": config.max_tokens or 512, "do_sample": False}
        with self.attached():
            out = self.reasoner.model.generate(ids, attention_mask=torch.ones_like(ids), **settings)
        new = out[0, ids.shape[1] :].tolist()
        thinking = tokenizer.decode(new).partition(tags.close)[0]
        content = [
            ContentReasoning(reasoning=thinking),
            ContentText(text=self.reasoner.after_thinking(new)),
        ]
        message = ChatMessageAssistant(content=content, model=self.model_name, source="generate")
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message)],
            usage=ModelUsage(
                input_tokens=ids.shape[1], output_tokens=len(new), total_tokens=out.shape[1]
            ),
        )


def main() -> None:
    """Evaluate twice, and print accuracy and tokens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("controller")
    parser.add_argument("--n", type=int, default=50)
    options = parser.parse_args()
    samples = [
        Sample(input=each["question"], target=each["answer"]) for each in questions(options.n)
    ]
    task = Task(dataset=samples, scorer=pattern(r"answer is (-?\d+)"))
    for name, settings in (
        ("full run", {}),
        ("with the controller", {"controller": options.controller}),
    ):
        model = get_model("probexit/shipped", memoize=False, **settings)
        (log,) = evaluate(task, model=model, log_dir=mkdtemp(), display="none")
        right = log.results.scores[0].metrics["accuracy"].value
        written = sum(used.output_tokens for used in log.stats.model_usage.values())
        print(f"{name}: {right:.1%} right, {written / options.n:.0f} tokens each")


if __name__ == "__main__":
    main()
