import itertools
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from probexit.experiments.reasoner.grammar import FAMILIES
from probexit.experiments.reasoner.tokenizer import END_THINK, THINK, build, prompt, tail
from probexit.experiments.reasoner.training.data import IGNORED, Encoder, batches, draw
from probexit.experiments.reasoner.training.train import TrainingRun, main, rate_scale


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return build(samples=1500)


def test_states_cue_words_and_commas_are_single_tokens(tokenizer: Any) -> None:
    for family in FAMILIES.values():
        for state in family.states:
            assert len(tokenizer.encode(f" {state}")) == 1
    assert tokenizer.tokenize("\n\nWait, (3)")[1:3] == ["Wait", ","]
    assert len(tokenizer.tokenize("\n\nWait, (3)")) == 4


def test_pieces_give_the_ids_of_the_whole_text(tokenizer: Any) -> None:
    rng, encoder = random.Random(1), Encoder(tokenizer)
    for _ in range(200):
        drawn, thinking = draw(rng)
        ids, labels = encoder.example(drawn, thinking)
        text = prompt(tokenizer, drawn.question) + thinking.text + END_THINK + tail(thinking.answer)
        assert ids == tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert all(label in (token, IGNORED) for token, label in zip(ids, labels, strict=True))


def test_the_closing_text_of_a_forced_exit_is_what_was_learned(tokenizer: Any) -> None:
    rng, encoder = random.Random(2), Encoder(tokenizer)
    closing = tokenizer.encode("\n\nThe answer is")
    forced = 0
    for _ in range(100):
        drawn, thinking = draw(rng)
        ids, labels = encoder.example(drawn, thinking)
        end = ids.index(encoder.end_think)
        assert ids[end + 1 : end + 1 + len(closing)] == closing
        assert labels[end] == (IGNORED if thinking.forced else ids[end])
        forced += thinking.forced
    assert 10 < forced < 45


def test_the_template_ends_in_an_open_think_tag(tokenizer: Any) -> None:
    assert prompt(tokenizer, "Start with 7.").endswith("<|im_start|>assistant\n<think>\n")
    assert THINK in tokenizer.get_vocab()
    assert END_THINK not in tokenizer.all_special_tokens


def test_batches_repeat_with_their_seed_and_keep_the_budget(tokenizer: Any) -> None:
    first, again, other = (
        list(itertools.islice(batches(tokenizer, seed, 2048, pool=60), 5)) for seed in (1, 1, 2)
    )
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(first, other, strict=True))
    assert all(ids.numel() <= 2048 and ids.shape == labels.shape for ids, labels in first)


def test_the_rate_warms_up_and_cools_down() -> None:
    scales = [rate_scale(step, 1000) for step in range(1000)]
    assert scales[0] < 0.02
    assert max(scales) == scales[500] == 1.0
    assert 0 < scales[-1] < 0.02


@pytest.mark.slow
def test_an_interrupted_training_equals_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = ["--batch-tokens", "1024", "--layers", "1", "--steps", "2", "--hasty-steps", "2"]
    small += ["--every", "2"]
    main(["--out", str(tmp_path / "whole"), *small])
    save, saves = TrainingRun.save, []

    def save_once(run: TrainingRun) -> None:
        save(run)
        saves.append(run.done)
        if len(saves) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(TrainingRun, "save", save_once)
    with pytest.raises(KeyboardInterrupt):
        main(["--out", str(tmp_path / "parts"), *small])
    main(["--out", str(tmp_path / "parts"), *small])
    whole, parts = (load_file(tmp_path / f / "model/model.safetensors") for f in ("whole", "parts"))
    assert saves == [2, 4]
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_nonsense_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="positive"):
        main(["--out", str(tmp_path), "--steps", "0"])
