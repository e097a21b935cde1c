"""What layer exits say of themselves on the page of all rules: their tables, and what each is."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from probexit.experiments.depth.drafts import DRAFTS, DraftPreset
from probexit.experiments.depth.presets import PRESETS, Preset
from probexit.experiments.evaluation.render.page import LayerChapter, LayerRule, Layers

TABLE, ADAPTED = "comparison.md", "adapt.json"
LAST = 10
"""Batches at the end over which an adapting run is summed up."""


def layers_of(folders: Sequence[Path]) -> Layers:
    """Return the page's part on layer exits; empty without folders.

    Raises:
        ValueError: on a folder with neither a comparison nor an adapting run.
    """
    chapters = [_chapter(folder) for folder in folders]
    rules = [_rule(name, preset) for name, preset in PRESETS.items()]
    return Layers(chapters, rules + [_drafts(name, preset) for name, preset in DRAFTS.items()])


def _chapter(folder: Path) -> LayerChapter:
    table, adapted = folder / TABLE, folder / ADAPTED
    if not table.is_file() and not adapted.is_file():
        raise ValueError(
            f"{folder} holds no {TABLE}: run `probexit depth compare --out {folder}` first"
        )
    text = table.read_text(encoding="utf-8").strip() if table.is_file() else ""
    said = _sentences(json.loads(adapted.read_text("utf-8"))) if adapted.is_file() else []
    return LayerChapter(folder.resolve().name, text, said)


def _sentences(run: dict[str, Any]) -> list[str]:
    """Sum an adapting run up: agreement and latency before and after a shift of the task."""
    batches: list[dict[str, Any]] = run["batches"]
    tasks = list(dict.fromkeys(batch["task"] for batch in batches))
    tuned = len(run["retuned"])
    how = "tuned on the first batch only" if run["fixed"] else f"tuned {tuned} times"
    found = [f"Apparate, live ({how}), released early and run to the end:"]
    for task in tasks:
        own = [batch for batch in batches if batch["task"] == task][-LAST:]
        agrees = sum(batch["agreement"] for batch in own) / len(own)
        saved = sum(batch["saved"] for batch in own) / len(own)
        found.append(
            f"{task}, last {len(own)} batches: {agrees:.1%} of the released tokens are the full "
            f"model's, {saved:.1%} of the latency saved by the cost model; no guarantee."
        )
    return found


def _rule(name: str, preset: Preset) -> LayerRule:
    decider, head = preset.decider(), preset.head()
    parts = f"{type(decider).__name__}, {type(head).__name__}, {type(preset.mode).__name__}"
    guarantee = "lossless" if preset.mode.lossless else "risk at most alpha, where certified"
    looks = "one look per exit passed"
    cost = f"{looks}, verification" if preset.mode.lossless else looks
    return LayerRule(name, preset.source, parts, cost, guarantee, preset.differs or "-")


def _drafts(name: str, preset: DraftPreset) -> LayerRule:
    cost = "drafts, verification"
    return LayerRule(name, preset.source, preset.parts, cost, "lossless", preset.differs)
