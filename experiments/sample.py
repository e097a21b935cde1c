"""A small recorded run of the shipped reasoner, made once and kept in the temporary folder."""

import getpass
import hashlib
import io
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from probexit.exits.fingerprint import Fingerprint
from probexit.experiments.fitting.fit import Fit, load_fit
from probexit.experiments.recording.run import Run
from probexit.hooks.models import Reasoner, Source, load


def shipped() -> Reasoner:
    """Load the shipped reasoner, without a progress bar."""
    with redirect_stderr(io.StringIO()):
        return load(Source())


def sample_run(n: int = 600, task: str = "arith", seed: int = 0, temperature: float = 1.0) -> Run:
    """Record ``n`` problems with the shipped reasoner, or find that done.

    Takes about a fifth of a second per problem on two cores, once. What is found was made by this
    very code with this checkpoint: another state of the code records its own.

    Raises:
        ValueError: if recording fails.
    """
    mark = Fingerprint.of(shipped().model).weights[:8]
    what = f"{task.replace(':', '-')}-{seed}-{temperature:g}"
    run = Run(Path(tempfile.gettempdir()) / f"probexit-{getpass.getuser()}-{_code()}-{mark}-{what}")
    if sum(len(run.recorded(i)) for i in range(-(-n // SHARD))) < n:
        settings = {"task": task, "n": n, "seed": seed, "temperature": temperature}
        settings |= {"shard-size": SHARD, "out": run.folder}
        _quietly("record", *(f"--{key}={value}" for key, value in settings.items()))
    return run


def sample_fit(run: Run) -> Fit:
    """Fit a probe on a run, or find that done."""
    if not (run.folder / "fit" / "fit.json").is_file():
        _quietly("fit", str(run.folder))
    return load_fit(run)


def _code() -> str:
    """Digest of the package's source, which a version number does not tell in a checkout."""
    digest = hashlib.sha256()
    for room in ("hooks", "probes", "calibration", "exits", "experiments"):
        for file in sorted((ROOT / room).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


ROOT = Path(__file__).resolve().parents[1]
SHARD = 150  # what an interrupted recording loses at most


def _quietly(*command: str) -> None:
    from probexit.experiments.commands.cli import main

    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        failed = main(command)
    if failed:
        raise ValueError(said.getvalue().strip().splitlines()[-1])
