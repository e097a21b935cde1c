"""The model card: its words from a template, its numbers from what was measured."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from probexit.experiments.reasoner.grammar import FAMILIES

TEMPLATE = Path(__file__).parent / "card_template.md"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def share(triple: Sequence[float]) -> str:
    """Write a share with its interval."""
    return f"{triple[0]:.3f} ({triple[1]:.3f} to {triple[2]:.3f})"


def settings_table(settings: dict[str, Any]) -> str:
    """Show how the model behaves in every setting."""
    header = ["setting", "problems", "full run right", "right at the first cue", "thinking tokens"]
    header += ["cues", "unfinished", "wrong → right", "right → wrong", "redundant"]
    rows = [
        [
            name,
            s["problems"],
            share(s["accuracy"]),
            share(s["first_answer_right"]),
            f"{s['thinking_tokens']:.0f}",
            f"{s['cues']:.1f}",
            f"{s['unfinished'][0]:.3f}",
            f"{s['wrong_to_right']:.3f}",
            f"{s['right_to_wrong']:.3f}",
            f"{s['redundant_share']:.2f}",
        ]
        for name, s in settings.items()
    ]
    return table(header, rows)


def forced_table(settings: dict[str, Any]) -> str:
    """Show how often a forced exit is right, cue by cue."""
    count = len(next(iter(settings.values()))["forced_accuracy_by_cue"])
    rows = [
        [name, *(f"{v:.2f}" for v in s["forced_accuracy_by_cue"])] for name, s in settings.items()
    ]
    return table(["setting", *(str(k + 1) for k in range(count))], rows)


def auroc_table(study: dict[str, Any]) -> str:
    """Show what tells right from wrong at a cue."""
    rows = [[name, share(values)] for name, values in study["auroc"].items()]
    return table(["score", "AUROC on test problems"], rows)


def certified_table(study: dict[str, Any]) -> str:
    """Show what certified exits save."""
    header = ["certified risk", "score", "right", "thinking tokens", "share of the oracle's saving"]
    header += ["lost"]
    rows = [
        [
            alpha,
            name,
            share(s["accuracy"]),
            s["tokens"],
            f"{s['share_of_oracle']:.2f}",
            s["lost"][0],
        ]
        for alpha, scores in study["certified"].items()
        for name, s in scores.items()
    ]
    return table(header, rows)


def gates_table(gates: dict[str, Any]) -> str:
    """Show the gates."""
    rows = [
        [name, g["value"], g["low"] or "", g["high"] or "", "yes" if g["passed"] else "**no**"]
        for name, g in gates.items()
    ]
    return table(["gate", "measured", "at least", "at most", "passed"], rows)


def definitions() -> str:
    """Write down what every rare operation consists of."""
    rows = [
        [family.name, ", ".join(f"`{o}` = {', '.join(p)}" for o, p in family.rare.items())]
        for family in FAMILIES.values()
        if family.name != "arith"
    ]
    return table(["family", "rare operations"], rows)


def _training(log: dict[str, Any]) -> dict[str, str]:
    header = list(log["log"][0])
    return {
        "steps": f"{log['steps']:,}",
        "tokens": f"{log['tokens'] / 1e6:.1f}",
        "minutes": f"{log['seconds'] / 60:.0f}",
        "seed": str(log["options"]["seed"]),
        "training": table(header, [list(entry.values()) for entry in log["log"]]),
    }


def write_card(folder: Path) -> None:
    """Fill the template with the numbers in a checkpoint's folder."""
    found = json.loads((folder / "behaviour.json").read_text())
    study = found["study"]
    full = study["certified"]["0.05"]["probe"]
    values = {
        **_training(json.loads((folder / "train_log.json").read_text())),
        "settings": settings_table(found["settings"]),
        "forced": forced_table(found["settings"]),
        "auroc": auroc_table(study),
        "best_probe": study["best_probe"],
        "certified": certified_table(study),
        "baseline": (
            f"{full['full_accuracy'][0]:.3f} right at {full['full_tokens']:.0f} thinking tokens"
        ),
        "oracle": f"{full['oracle_tokens']:.0f}",
        "gates": gates_table(found["gates"]),
        "definitions": definitions(),
        "cap": str(found["cap"]),
        "measured_seed": str(found["seed"]),
        "machine": ", ".join(f"{key} {value}" for key, value in found["machine"].items()),
        "test_problems": str(study["problems"]["test"]),
        "fit_problems": str(study["problems"]["fit"]),
        "certify_problems": str(study["problems"]["certify"]),
    }
    text = TEMPLATE.read_text("utf-8")
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    (folder / "README.md").write_text(text, "utf-8")
