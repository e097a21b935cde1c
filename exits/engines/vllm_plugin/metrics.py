"""The counters on vLLM's own ``/metrics`` endpoint."""

from collections.abc import Iterator
from typing import Any

from probexit.exits.engines.vllm_plugin.counts import read_counts
from probexit.exits.engines.vllm_plugin.settings import Settings

HELP = {
    "requests": "Requests that ended under an exit controller",
    "cues": "Cues at which a controller was asked",
    "exits": "Requests left at a cue",
    "budget": "Requests whose thinking was closed by its budget",
    "refused": "Exits not taken for want of room for an answer",
    "failed": "Requests whose controller failed",
    "saved": "Thinking tokens saved, estimated by the share that the certificate measured",
}


def publish(settings: Settings) -> None:
    """Register the counters with Prometheus, once per process."""
    from prometheus_client import REGISTRY

    if not any(isinstance(found, Collector) for found in list(REGISTRY._collector_to_names)):
        REGISTRY.register(Collector(settings))


class Collector:
    """Reads the counters when it is asked."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def collect(self) -> Iterator[Any]:
        """Yield one counter per entry; nought before any request has ended."""
        from prometheus_client.core import CounterMetricFamily

        counts = read_counts(self.settings.counts)
        for name, text in HELP.items():
            yield CounterMetricFamily(f"probexit_{name}", text, value=counts.get(name, 0))
