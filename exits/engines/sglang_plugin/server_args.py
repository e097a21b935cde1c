"""Set SGLang's own options as exits need them, and refuse those that cannot be."""

from typing import Any

from probexit.exits.engines.server.options import refuse_options
from probexit.exits.engines.server.settings import Settings

ALONE = {
    "pp_size": "states of earlier stages are not collected here",
    "dp_size": "several engines would write one log; serve each by itself",
}
"""Numbers that must be 1, and why."""


def prepare(args: Any, settings: Settings) -> None:
    """Change ``ServerArgs`` in place, before SGLang resolves them.

    Raises:
        ValueError: naming an option under which a controller cannot work.
    """
    refuse_options(args, "speculative_algorithm", ALONE)
    args.disable_overlap_schedule = True  # a pass would start before the last one is decided
    if settings.layers:  # the name says how layers are numbered; nothing speculates
        args.speculative_algorithm = "EAGLE3"
        args.enable_return_aux_hidden_states = True
        args.return_aux_hidden_state_layer_ids = list(settings.layers)
        args.return_hidden_states_mode = "last"
