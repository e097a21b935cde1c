"""Check every causal-LM type of transformers, each in a process of its own.

python -m probexit.experiments.bench.coverage --out runs/coverage [--types llama,mamba]
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

if TYPE_CHECKING:
    from probexit.hooks.models import Reasoner

MODULE = "probexit.experiments.bench.coverage"
SECONDS = 900  # for one type
SEEDS = 12  # of weights


def types() -> list[str]:
    """Return the model types that transformers' AutoModelForCausalLM knows."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    return sorted(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def child(kind: str) -> None:
    """Check one type and print what was found as JSON."""
    from probexit.experiments.bench.coverage.overrides import OVERRIDES
    from probexit.experiments.bench.coverage.tiny import reasoner
    from probexit.experiments.recording.checks.report import as_dicts, run_checks

    changes = OVERRIDES.get(kind, {})
    try:
        subject = reasoner(kind, changes)
    except Exception as error:  # whatever a configuration raises is the reason why it was not built
        print(json.dumps({"built": f"{type(error).__name__}: {error}"[:300]}))
        return
    try:
        for seed in range(SEEDS):  # some random models end the text at once: nothing to be tried on
            if thinks(subject):
                break
            subject = reasoner(kind, changes, seed + 1)
    except Exception as error:
        print(json.dumps({"generates": f"{type(error).__name__}: {error}"[:300]}))
        return
    print(json.dumps({"findings": as_dicts(run_checks(subject))}))


def thinks(reasoner: "Reasoner") -> bool:
    """Whether a model thinks for some tokens on every prompt, alone and in a batch."""
    from probexit.experiments.bench.coverage.tiny import SPECIAL
    from probexit.experiments.recording.checks.base import Subject

    subject = Subject(reasoner)
    ends = set(range(len(SPECIAL)))  # the end of a text or of the thinking, a tool call
    return not any(ends & set(text.tokens[:6]) for text in [*subject.alone, *subject.batched])


def examine(kind: str) -> dict[str, Any]:
    """Run ``child`` in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", MODULE, "--child", kind]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return {"built": f"took longer than {SECONDS} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        return {"built": f"the process ended with {done.returncode}: {done.stderr[-200:]}"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def main() -> None:
    """Check the types that are not in the output file yet; then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/coverage"))
    parser.add_argument("--types", help="such as llama,mamba; default: all")
    parser.add_argument("--page", type=Path, help="write the table here, as docs/models.md")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    wanted = args.types.split(",") if args.types else types()
    for kind in tqdm(wanted, unit="type"):
        file = args.out / f"{kind}.json"
        if not file.exists():
            file.write_text(json.dumps(examine(kind), indent=1) + "\n", encoding="utf-8")
    if args.page is not None:
        from probexit.experiments.bench.coverage.page import page

        found = {f.stem: json.loads(f.read_text()) for f in sorted(args.out.glob("*.json"))}
        args.page.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
