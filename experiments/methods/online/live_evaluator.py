"""Generate the problems of recorded traces anew, and keep what came of it.

Nothing is generated twice: results lie in a folder by a digest of everything they depend on, one
line per problem. A run that was interrupted goes on, and more problems are added to those there.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from tqdm.auto import tqdm

from probexit.exits.engines.decoding import Decoding
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.trace import Trace
from probexit.experiments.methods.online.base import Recipe, Setting
from probexit.experiments.methods.online.result_store import Fresh, Store
from probexit.experiments.recording.run import Run
from probexit.experiments.recording.tasks.by_name import task
from probexit.hooks.models import Reasoner
from probexit.probes.artefacts.strict_json import to_json


@dataclass(frozen=True)
class LiveEvaluator(Setting):
    """Runs live rules in a setting.

    Attributes:
        cache: Where results are kept; None keeps none.
        chunk: Problems between two writes.
        quiet: No progress bar.
    """

    cache: Path | None = None
    chunk: int = 256
    quiet: bool = False

    @classmethod
    def of(cls, run: Run, reasoner: Reasoner) -> Self:
        """Return the bench of a recording, with its results in ``RUN/live``."""
        manifest = run.manifest
        data = Path(manifest.data) if manifest.data else None
        grader = task(manifest.task, data, manifest.seed)
        return cls(reasoner, grader, Decoding(**manifest.decoding), run.folder / "live")

    def measure(self, recipe: Recipe, traces: Sequence[Trace], title: str = "live") -> list[Fresh]:
        """Return what a recipe gives on the problems of ``traces``, in their order.

        Of a problem with several traces there is one result. ``title`` names the progress bar.
        """
        about = self._about(recipe)
        heading = " ".join(to_json(about).split())
        store = Store((self.cache or Path()) / f"{_digest(heading)}.jsonl")
        known = store.read() if self.cache else {}
        distinct = {trace.problem: trace for trace in traces}
        left = [trace for problem, trace in distinct.items() if problem not in known]
        bar = tqdm(
            total=len(distinct),
            initial=len(distinct) - len(left),
            unit="problem",
            desc=title,
            disable=self.quiet or not left,
        )
        with bar:
            for first in range(0, len(left), self.chunk):
                part = recipe.run(self, left[first : first + self.chunk], bar.update)
                known |= {fresh.problem: fresh for fresh in part}
                if self.cache:
                    store.append(part, heading)
        return [known[trace.problem] for trace in traces]

    def _about(self, recipe: Recipe) -> dict[str, Any]:
        """Return all that a recipe's results depend on."""
        decoding = asdict(self.fresh)
        del decoding["batch_size"]  # changes no result
        fingerprint = asdict(Fingerprint.of(self.reasoner.model))
        del fingerprint["name"]  # nor does where the model lies
        return {
            "recipe": type(recipe).__qualname__,
            **recipe.settings(),
            "decoding": decoding,
            "model": fingerprint,
            "tags": asdict(self.reasoner.tags),
            "closing": self.reasoner.closing,
            "task": f"{type(self.task).__module__.rpartition('.')[2]}:{self.task.variant}",
        }


def keys(traces: Sequence[Trace], sample: int = 0) -> list[int]:
    """Return the number that seeds the sampling of each problem, the same in any company.

    Args:
        traces: ``n`` traces of different problems.
        sample: Which of several samples of a problem this is.
    """
    return [int(_digest(f"{trace.problem}#{sample}"), 16) for trace in traces]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
