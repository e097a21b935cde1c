"""A controller on the Hub and back, without a network: a folder stands for it."""

import re
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.depth.controller import DepthController
from probexit.probes.logistic import Logistic

SAVED = Path(__file__).parents[2] / "data/controllers/format-2"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Repositories as folders: no network is touched."""
    root = tmp_path / "hub"

    class Api:
        def __init__(self, token: str | None = None) -> None: ...

        def create_repo(self, repo_id: str, **_: Any) -> None:
            (root / repo_id).mkdir(parents=True, exist_ok=True)

        def upload_folder(self, *, repo_id: str, folder_path: str, **_: Any) -> str:
            for file in Path(folder_path).iterdir():
                copy(file, root / repo_id)
            return f"https://hub/{repo_id}/commit/1"

    def download(repo_id: str, *, local_dir: str, revision: str | None = None, **_: Any) -> str:
        if not (root / repo_id).is_dir():
            raise OSError(f"no repository {repo_id}")
        for file in (root / repo_id).iterdir():
            copy(file, local_dir)
        return local_dir

    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    return root


@pytest.mark.parametrize("name", ["logistic-threshold", "certain-run", "not-certified"])
def test_a_controller_comes_back_the_same(name: str, hub: Path) -> None:
    controller = ExitController.load(SAVED / "reasoning" / name)
    assert controller.push_to_hub("me/exits").endswith("me/exits/commit/1")
    again = ExitController.from_pretrained("me/exits", revision="main")
    assert again.certificate == controller.certificate
    assert again.policy == controller.policy
    assert ExitController.from_pretrained(hub / "me/exits").policy == controller.policy


def test_the_card_says_what_is_promised_and_how_to_load(hub: Path) -> None:
    controller = ExitController.load(SAVED / "reasoning" / "logistic-threshold")
    controller.push_to_hub("me/exits")
    text = (hub / "me/exits/README.md").read_text()
    assert "library_name: probexit" in text
    assert "px.ExitController.from_pretrained('me/exits')" in text
    assert controller.certificate["statement"].replace("<", "&lt;") in text
    assert "Nothing is promised for other tasks" in text
    code = re.search(r"```python\n(.*?)```", text, re.S)
    assert code is not None
    compile(code[1], "card", "exec")


def test_layer_exits_and_probes_alike(hub: Path) -> None:
    depth = DepthController.load(SAVED / "layers" / "gap-leave")
    depth.push_to_hub("me/layers")
    assert DepthController.from_pretrained("me/layers").rule.layers == depth.rule.layers
    X, y = torch.randn(40, 3), torch.arange(40) % 2
    probe = Logistic().fit(X + y[:, None], y)
    probe.push_to_hub("me/probe")
    again = Logistic.from_pretrained("me/probe")
    assert torch.equal(again.score(X), probe.score(X))
    assert "Logistic.from_pretrained('me/probe')" in (hub / "me/probe/README.md").read_text()


def test_what_is_not_there_or_is_something_else(hub: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder here, and cannot be had from the Hub"):
        ExitController.from_pretrained("me/nothing")
    Logistic().fit(torch.randn(9, 2), torch.arange(9) % 2).push_to_hub("me/probe")
    with pytest.raises(ValueError, match="holds no controller"):
        ExitController.from_pretrained("me/probe")


def test_a_hostile_name_ends_no_line_of_the_card() -> None:
    controller = ExitController.load(SAVED / "reasoning" / "not-certified")
    text = controller.card("a/b\n# Owned\n<script>")
    assert "\n# Owned" not in text.split("```")[0]
    assert "<script>" not in text.split("```")[0]
