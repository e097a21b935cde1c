"""Probes on disk: folders of format 1, and what is refused of a folder that somebody changed."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from probexit.probes.artefacts.registry import members
from probexit.probes.logistic import Logistic
from probexit.probes.mlp import MLP

DATA = Path(__file__).parents[1] / "data"
SEQUENCE = members("probexit.probes.sequence")
SINGLE = members("probexit.probes")


SEQUENCE_OF_FORMAT_1 = sorted(
    name for name in SEQUENCE if (DATA / "probes" / "format-1" / name).is_dir()
)  # those that are newer were never written in it


def wave(*shape: int) -> torch.Tensor:
    return torch.arange(1, 1 + torch.Size(shape).numel()).float().sin().reshape(shape)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    MLP(hidden=(3,), epochs=1).fit(wave(40, 4), torch.arange(40) % 2).save(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", SEQUENCE_OF_FORMAT_1)
def test_sequence_probes_of_format_1(name: str, tmp_path: Path) -> None:
    folder = DATA / "probes" / "format-1" / name
    probe = SEQUENCE[name].load(folder)
    expected = json.loads((folder / "scores.json").read_text())
    assert probe.score(wave(5, 4)).tolist() == pytest.approx(expected, abs=1e-6)
    probe.save(tmp_path)
    assert torch.equal(SEQUENCE[name].load(tmp_path).score(wave(5, 4)), probe.score(wave(5, 4)))


@pytest.mark.parametrize("name", sorted(SINGLE))
def test_probes_of_format_1(name: str) -> None:
    folder = DATA / "fits" / "format-1" / name / "fit" / "probe"
    assert SINGLE[name].load(folder).width == 8
    with pytest.raises(ValueError, match="load that"):
        next(cls for other, cls in SINGLE.items() if other != name).load(folder)


CONTENTS: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("probe.json", lambda content: content[:40], "is damaged"),
    ("probe.json", lambda _: b"", "is damaged"),
    ("probe.json", lambda content: b"\xef\xbb\xbf" + content, "byte order mark"),
    ("probe.json", lambda _: b"[" * 10**6, "nested too deeply"),
    ("probe.json", lambda _: b'{"a":' * 70 + b"1" + b"}" * 70, "nested too deeply"),
    ("probe.json", lambda _: b" " * (17 << 20), "more than the"),
    ("probe.json", lambda _: b'{"format": 2, "format": 2}', "says 'format' twice"),
    ("probe.json", lambda _: b'{"format": NaN}', "NaN is no JSON"),
    ("probe.json", lambda _: b'{"format": 1e999}', "too large a number"),
    ("probe.json", lambda _: b'{"format": ' + b"9" * 5000 + b"}", "is damaged"),
    ("probe.json", lambda _: b'{"format": "\\ud800"}', "is damaged"),
    ("probe.json", lambda _: b'{"format": true}', "has format True"),
    ("probe.json", lambda _: b'{"format": {"not finite": "nan"}}', "is no number"),
    ("probe.json", lambda _: b"[]", "holds no JSON object"),
    ("probe.json", lambda content: content.replace(b'"epochs": 1', b'"epochs": 2'), "was changed"),
    ("tensors", lambda content: content[:-1], "is damaged"),
    ("tensors", lambda content: content + b"\0", "is damaged"),
    ("tensors", lambda content: content[:5], "is damaged"),
    ("tensors", lambda content: b"\xff" * 8 + content[8:], "is damaged"),
    ("tensors", lambda content: content[:-1] + bytes([content[-1] ^ 1]), "other tensors"),
    ("tensors", lambda _: save({"mean": torch.tensor([torch.nan])}), "not finite"),
    ("tensors", lambda _: save({"mean": torch.zeros(3)}), "other tensors"),
]


@pytest.mark.parametrize(("which", "change", "said"), CONTENTS)
def test_damaged_files(which: str, change: Any, said: str, saved: Path) -> None:
    file = saved / which if which.endswith("json") else next(saved.glob("probe-*.safetensors"))
    changed = change(file.read_bytes())
    assert changed != file.read_bytes()
    file.write_bytes(changed)
    with pytest.raises(ValueError, match=said) as error:
        MLP.load(saved)
    assert file.name in str(error.value)


def test_line_ends_of_another_system_change_nothing(saved: Path) -> None:
    before = MLP.load(saved)
    file = saved / "probe.json"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert torch.equal(MLP.load(saved).score(wave(5, 4)), before.score(wave(5, 4)))


def test_a_header_that_lies_about_its_sizes(saved: Path) -> None:
    """A few bytes must not make a tensor of terabytes."""
    file = next(saved.glob("probe-*.safetensors"))
    header = {"mean": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(16))
    with pytest.raises(ValueError, match="do not fill it"):
        MLP.load(saved)


@pytest.mark.parametrize("which", ["probe.json", "tensors"])
def test_links_and_devices_are_not_followed(which: str, saved: Path, tmp_path: Path) -> None:
    file = saved / which if which.endswith("json") else next(saved.glob("probe-*.safetensors"))
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    with pytest.raises(ValueError, match="is a link: copy the file itself there"):
        MLP.load(saved)
    file.unlink()
    os.mkfifo(file)  # reading it would wait for ever
    with pytest.raises(ValueError, match="is no regular file"):
        MLP.load(saved)


def test_saving_another_probe_takes_its_place(saved: Path) -> None:
    probe = Logistic().fit(wave(40, 4), torch.arange(40) % 2)
    probe.save(saved)
    assert len(list(saved.iterdir())) == 2
    assert torch.equal(Logistic.load(saved).score(wave(5, 4)), probe.score(wave(5, 4)))
    with pytest.raises(ValueError, match=r"holds a probe:logistic, not a probe:mlp: load that"):
        MLP.load(saved)
