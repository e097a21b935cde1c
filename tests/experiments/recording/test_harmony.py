"""gpt-oss thinks in messages of the analysis channel and answers in the final one."""

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from probexit.experiments.recording.answering import answer_text
from probexit.experiments.recording.thinking import thinking_span
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.models import Reasoner
from probexit.hooks.think_tags import HARMONY, think_tags

MARKS = ("<|start|>", "<|end|>", "<|channel|>", "<|message|>", "<|return|>", "<|call|>")
TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
ANALYSIS = "<|channel|>analysis<|message|>"
NEXT = "<|end|><|start|>assistant"
FINAL = "<|channel|>final<|message|>"
TOOL = "<|channel|>commentary to=functions.add<|message|>wait, wait.<|end|><|start|>assistant"


@pytest.fixture
def harmony(byte_tokenizer: Any) -> Reasoner:
    tokenizer = copy.deepcopy(byte_tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKS)})
    tokenizer.chat_template = TEMPLATE
    model = SimpleNamespace()
    return Reasoner(model, tokenizer, think_tags(tokenizer), "The answer is", "oss")


def span(reasoner: Reasoner, text: str, cues: Any) -> tuple[list[int], int, int, list[int]]:
    ids = reasoner.tokenizer.encode(text, add_special_tokens=False)
    prompt = reasoner.prompt("What is <|channel|>analysis<|message|>?")
    return (ids, *thinking_span(reasoner, cues, prompt, ids))


def test_its_tags_are_known(harmony: Reasoner) -> None:
    assert harmony.tags == HARMONY


def test_several_analysis_messages_are_one_thinking(harmony: Reasoner) -> None:
    text = f"{ANALYSIS}One, wait. Two.{NEXT}{ANALYSIS}Hmm, three.{NEXT}{FINAL}It is 7.<|return|>"
    ids, begins, thinking, cues = span(harmony, text, Reflection())
    thought = harmony.tokenizer.decode(ids[begins : begins + thinking])
    assert thought == f"One, wait. Two.{NEXT}{ANALYSIS}Hmm, three."
    assert len(cues) == 2
    assert answer_text(harmony, ids, begins, thinking) == "It is 7."


def test_an_exit_opens_the_final_channel(harmony: Reasoner) -> None:
    closing = harmony.tokenizer.decode(harmony.closing_ids())
    assert closing == f"{NEXT}{FINAL}The answer is"
    end = harmony.tokenizer.convert_tokens_to_ids("<|end|>")
    assert harmony.closing_ids()[0] == end


def test_no_cue_inside_the_markup(harmony: Reasoner) -> None:
    text = f"{ANALYSIS}ab{NEXT}{ANALYSIS}cd{NEXT}{FINAL}7"
    ids, _, _, cues = span(harmony, text, EveryK(1))
    found = {harmony.tokenizer.decode([ids[i]]) for i in cues}
    assert found.isdisjoint({*MARKS, "start", "assistant"} - {"<|message|>"})
    assert {"a", "b", "c", "d"} & set("".join(found))


def test_calls_of_tools_hold_no_cue(harmony: Reasoner) -> None:
    text = f"{ANALYSIS}One. {NEXT}{TOOL}{ANALYSIS}So, wait. Two.{NEXT}{FINAL}7"
    _, _, _, cues = span(harmony, text, Reflection())
    assert len(cues) == 1


def test_an_answer_without_thinking(harmony: Reasoner) -> None:
    ids, begins, thinking, cues = span(harmony, f"{FINAL}It is 7.<|return|>", Reflection())
    assert (begins, thinking, cues) == (len(ids), 0, [])
    assert answer_text(harmony, ids, begins, thinking) == "It is 7."
