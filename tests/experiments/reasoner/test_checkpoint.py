import json
import random
import subprocess
import sys
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from probexit.experiments.reasoner import path
from probexit.experiments.reasoner.grammar import problem
from probexit.experiments.reasoner.thoughts import Checkpoint
from probexit.experiments.reasoner.tokenizer import build, prompt
from probexit.experiments.reasoner.training.data import Encoder, draw
from probexit.experiments.reasoner.training.forced import force
from probexit.experiments.reasoner.training.gates import gates

LIMIT = 16_000_000


@pytest.fixture(scope="module")
def reasoner() -> Checkpoint:
    return Checkpoint(path())


def test_the_folder_is_complete_and_small() -> None:
    names = {file.name for file in path().iterdir()}
    expected = {"config.json", "generation_config.json", "model.safetensors", "README.md"}
    expected |= {"tokenizer.json", "tokenizer_config.json", "train_log.json", "behaviour.json"}
    assert expected <= names
    assert sum(file.stat().st_size for file in path().iterdir()) < LIMIT


def test_naming_the_folder_loads_no_torch() -> None:
    code = "import sys; from probexit.experiments.reasoner import path; path()"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_auto_classes_load_it_in_single_precision() -> None:
    model = AutoModelForCausalLM.from_pretrained(path())
    tokenizer = AutoTokenizer.from_pretrained(path())
    assert model.dtype == torch.float32
    assert model.config.vocab_size == len(tokenizer)
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id


def test_the_saved_tokenizer_gives_the_ids_of_a_fresh_one() -> None:
    saved: Any = AutoTokenizer.from_pretrained(path())
    fresh = build()
    rng = random.Random(4)
    for _ in range(50):
        drawn = draw(rng)
        assert Encoder(saved).example(*drawn) == Encoder(fresh).example(*drawn)


def test_it_thinks_answers_and_is_mostly_right(reasoner: Checkpoint) -> None:
    rng = random.Random("greedy")
    thoughts = reasoner.think([problem(rng) for _ in range(12)], temperature=0.0, cap=640)
    assert sum(thought.ended for thought in thoughts) >= 11
    assert sum(thought.right for thought in thoughts) >= 8
    assert all(thought.cues for thought in thoughts)
    cases = force(reasoner, thoughts)
    assert sum(case.right[-1] for case in cases) > sum(case.right[0] for case in cases)
    assert all(len(case.answers) == len(case.thought.cues) for case in cases)


def test_decoding_equals_generate(reasoner: Checkpoint) -> None:
    rng = random.Random("the same")
    problems = [problem(rng, "spell", "easy") for _ in range(6)]
    thoughts = reasoner.think(problems, temperature=0.0, cap=120)
    texts = [prompt(reasoner.tokenizer, p.question) for p in problems]
    inputs = reasoner.tokenizer(texts, return_tensors="pt", padding=True)
    output = reasoner.model.generate(**inputs, max_new_tokens=120, do_sample=False)
    width = inputs["input_ids"].shape[1]
    for drawn, row, thought in zip(problems, output, thoughts, strict=True):
        assert reasoner.read(drawn, thought.prompt, row[width:].tolist()) == thought


def test_the_card_tells_what_was_measured() -> None:
    found = json.loads((path() / "behaviour.json").read_text())
    card = (path() / "README.md").read_text()
    assert gates(found) == found["gates"]
    for name in (*found["settings"], *found["gates"], *found["study"]["auroc"]):
        assert name in card
    assert "{" not in card.replace("{#", "")
