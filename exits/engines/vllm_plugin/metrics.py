"""The counters on vLLM's own ``/metrics`` endpoint."""

from collections.abc import Iterator
from typing import Any

from probexit.exits.engines.server.patches import Patches
from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.vllm_plugin.counts import read_counts

HELP = {
    "requests": "Requests that ended under an exit controller",
    "cues": "Cues at which a controller was asked",
    "exits": "Requests left at a cue",
    "budget": "Requests whose thinking was closed by its budget",
    "refused": "Exits not taken for want of room for an answer",
    "failed": "Requests whose controller failed",
    "saved": "Thinking tokens saved, estimated by the share that the certificate measured",
    "audited": "Requests that thought to the end for the audit, and were examined",
    "agreed": "Audited requests where the exit's answer is the full run's",
    "unfinished": "Requests chosen for the audit that did not end by themselves",
}
EVIDENCE = "Evidence of the drift alarm, 1 at the start"
RANG = "Whether the drift alarm has rung: scores come unlike those in calibration"


def publish(settings: Settings, patches: Patches) -> None:
    """Register the counters with Prometheus, until the patches are undone."""
    from prometheus_client import REGISTRY

    collector = Collector(settings)
    REGISTRY.register(collector)
    patches.callback(REGISTRY.unregister, collector)


class Collector:
    """Reads the counters when it is asked."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def collect(self) -> Iterator[Any]:
        """Yield one counter per entry; nought before any request has ended."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        counts = read_counts(self.settings.counts)
        for name, text in HELP.items():
            yield CounterMetricFamily(f"probexit_{name}", text, value=counts.get(name, 0))
        pending = counts.get("pending", 0)
        yield GaugeMetricFamily("probexit_pending", "Answers that audits wait for", value=pending)
        evidence = GaugeMetricFamily("probexit_drift_evidence", EVIDENCE, labels=["controller"])
        rang = GaugeMetricFamily("probexit_drift_alarm", RANG, labels=["controller"])
        for controller, (grown, rung) in counts.get("drift", {}).items():
            evidence.add_metric([controller], grown)
            rang.add_metric([controller], float(rung))
        yield from (evidence, rang)
