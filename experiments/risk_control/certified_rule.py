"""A rule with the certificate that was made for it: what is deployed is what was certified."""

from dataclasses import dataclass
from typing import Any

from probexit.calibration.certificate import Certificate
from probexit.exits.controller import ExitController
from probexit.exits.fingerprint import Fingerprint
from probexit.exits.policies.base import ExitPolicy
from probexit.exits.signals.base import Signal
from probexit.experiments.recording.cues import cue_set
from probexit.experiments.recording.run import Run, tags_from


@dataclass(frozen=True)
class CertifiedRule:
    """What ``certify_rule`` certified; a controller is made of it and of nothing else.

    Attributes:
        signal: What is measured at a cue.
        policy: When to leave, at the certified threshold.
        certificate: What was promised, for this signal under this policy.
        probing: Tokens decoded only to decide, on average over the calibration problems.
        saved: Share of their thinking tokens that is not written.
    """

    signal: Signal
    policy: ExitPolicy
    certificate: Certificate
    probing: float
    saved: float = 0.0

    def __post_init__(self) -> None:
        if self.policy.threshold != self.certificate.threshold:
            raise ValueError(
                f"the certificate is for a threshold of {self.certificate.threshold}, not "
                f"{self.policy.threshold}"
            )

    def controller(self, run: Run, **details: Any) -> ExitController:
        """Return the controller for the model and the cues of the run that it was certified on.

        Args:
            run: The run whose calibration split was used.
            details: What else the certificate shall say, such as the loss.
        """
        manifest = run.manifest
        noted = {"template_args": manifest.template_args, "loading": manifest.loading}
        return ExitController(
            cues=cue_set(manifest.cues),
            signal=self.signal,
            policy=self.policy,
            tags=tags_from(manifest.tags),
            closing=manifest.closing,
            model=Fingerprint(**manifest.fingerprint),
            answer_tokens=manifest.answer_tokens,
            certificate={
                **self.certificate.as_dict(),
                "model": manifest.model,
                "revision": manifest.revision,
                "task": manifest.task,
                "decoding": manifest.decoding,
                "probing": self.probing,
                "saved": self.saved,
                "dtype": manifest.dtype,
                **{name: value for name, value in noted.items() if value},
                **details,
            },
        )
