"""What the plugin has changed in a process: vLLM's classes, and the engines that run there."""

from typing import Any
from weakref import WeakSet

from probexit.exits.engines.server.patches import Patches


class PluginAttachment:
    """Undone at once.

    Attributes:
        patches: What was changed of vLLM's classes.
        runners: Model runners that carry a controller, in their attribute ``probexit``.
    """

    def __init__(self) -> None:
        self.patches = Patches()
        self.runners: WeakSet[Any] = WeakSet()

    def detach(self) -> None:
        """Take the controller out of the runners, and put vLLM's own back.

        Raises:
            ValueError: while requests are under way.
        """
        if under_way := sum(len(runner.probexit.batch.running) for runner in self.runners):
            raise ValueError(f"{under_way} requests are under way: let them end, then detach")
        for runner in self.runners:
            leave(runner)
        self.patches.close()


def leave(runner: Any) -> None:
    """Take the controller out of a model runner.

    A compiled model goes on returning the states that it was compiled to return.
    """
    processors = runner.input_batch.logitsprocs.non_argmax_invariant
    processors[:] = [one for one in processors if getattr(one, "runner", None) is not runner]
    if runner.probexit.ledger is not None:
        runner.probexit.ledger.close()
    if runner.probexit.hooks is not None:
        runner.probexit.hooks.remove()
    if runner.use_aux_hidden_state_outputs and runner.model_config.enforce_eager:
        runner.use_aux_hidden_state_outputs = False
        runner.get_model().set_aux_hidden_state_layers(())
    del runner.probexit
