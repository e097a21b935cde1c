"""`transformers serve` under a controller: its HTTP server, its continuous batching, our decisions.

Needs the server's own dependencies (``pip install 'transformers[serving]'``). The server loads the
model; the controller is attached to it before the first request, for as long as the process lives.
"""

from contextlib import ExitStack
from importlib import import_module
from typing import Any

from probexit.exits.controller import ExitController
from probexit.exits.engines.generate import Attachment, attach


class ControlledServer:
    """A running server.

    Attributes:
        server: transformers' own.
        attachments: One per model that it loaded, with the rows of its requests.
    """

    def __init__(self, model: str, controller: ExitController, **options: Any) -> None:
        """Start serving; with ``non_blocking=True`` in a thread of its own.

        Args:
            model: Folder or hub id; every request is answered by it.
            controller: Decides on every request.
            options: Of `transformers serve`: ``host``, ``port``, ``cb_num_blocks``, ...

        Raises:
            ValueError: if the server's dependencies are not installed, or the controller was made
                for another model.
        """
        try:
            import_module("uvicorn")  # the server's, said here rather than at its first use
            from transformers.cli.serve import Serve
            from transformers.cli.serving import model_manager
        except ImportError as error:
            raise ValueError(
                f"serving needs {error.name}: pip install 'transformers[serving]'"
            ) from error
        self.attachments: list[Attachment] = []
        self._stack = ExitStack()
        before = model_manager.ModelManager
        model_manager.ModelManager = self._managing(before, controller)
        try:
            self.server = Serve(force_model=model, continuous_batching=True, **options)
        finally:
            model_manager.ModelManager = before

    def close(self) -> None:
        """Stop the server, and take the controller off the model."""
        self.server.kill_server()
        self._stack.close()

    def _managing(self, base: type[Any], controller: ExitController) -> type[Any]:
        """Return a manager of models that attaches the controller to each model that it loads."""
        outer = self

        class Managing(base):  # type: ignore[misc]
            def load_model_and_processor(self, *args: Any, **kwargs: Any) -> Any:
                model, processor = super().load_model_and_processor(*args, **kwargs)
                if "init_continuous_batching" not in vars(model):
                    tokenizer = getattr(processor, "tokenizer", processor)
                    attached = outer._stack.enter_context(attach(model, tokenizer, controller))
                    outer.attachments.append(attached)
                return model, processor

        return Managing
