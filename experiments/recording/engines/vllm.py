"""Rollouts by vLLM: its tokens are kept as they are; transformers reads states and forced exits.

Log-probabilities, entropies and confidences of its tokens come from a prefill by transformers too,
so that they mean the same whatever wrote the tokens; vLLM's own log-probabilities are only compared
with them. Each rollout has a seed of its own, so that the batch does not matter; with the same seed
vLLM draws other tokens than the own loop, unless decoding is greedy.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from io import StringIO
from typing import Any

import numpy as np
from tqdm import tqdm

from probexit.exits.engines.generation import Generation
from probexit.experiments.recording.batches import in_batches
from probexit.experiments.recording.engines.base import RolloutEngine
from probexit.experiments.recording.scoring import Text, scored
from probexit.hooks.models import place
from probexit.hooks.prefill import prefill_tokens

GAP = 0.1  # nats; rounding in bfloat16 makes some hundredths, other weights make some tenths
BESIDE = 0.5  # share of a GPU's memory for vLLM, since the model is loaded a second time there
MACHINE = (
    *("gpu_memory_utilization", "tensor_parallel_size", "pipeline_parallel_size", "enforce_eager"),
    *("max_model_len", "max_num_seqs", "max_num_batched_tokens", "num_gpu_blocks_override"),
    *("block_size", "enable_prefix_caching", "kv_cache_memory_bytes", "cpu_offload_gb"),
)
"""Options that change where and how fast, not what is written."""


@dataclass(frozen=True)
class Vllm(RolloutEngine):
    """An offline ``vllm.LLM`` over the same weights, beside the loaded model."""

    def __post_init__(self) -> None:
        """Refuse what vLLM would not run as it is loaded here.

        Raises:
            ValueError: naming it.
        """
        loading = self.reasoner.loading
        given = {"--quantization": loading.quantization, "--adapter": loading.adapter}
        for flag, value in (given | {"--gguf": loading.gguf}).items():
            if value:
                raise ValueError(
                    f"--engine vllm does not load {flag} {value} as transformers does: save the "
                    "model in that form, or use --engine hf"
                )
        if os.environ.get("PROBEXIT_CONTROLLER"):
            raise ValueError("PROBEXIT_CONTROLLER would stop the rollouts early: unset it")

    def write(
        self,
        prompts: Sequence[Sequence[int]],
        keys: Sequence[int],
        on_done: Callable[[int], None] = lambda _: None,
    ) -> list[Generation]:
        """Generate for every prompt; contract and arguments as in ``RolloutEngine``.

        Raises:
            ValueError: if a prompt leaves no room, or vLLM does not run the loaded weights.
        """
        self._refuse_long(prompts)
        outputs = self.llm.generate(
            [{"prompt_token_ids": list(prompt)} for prompt in prompts],
            [self._settings(key) for key in keys],
            use_tqdm=partial(_Progress, on_done),
        )
        done = [output.outputs[0] for output in outputs]
        texts = list(zip(prompts, [list(one.token_ids) for one in done], strict=True))
        model = self.reasoner.model
        notes = in_batches(partial(scored, model), texts, _length, prefill_tokens(model))
        _refuse_other(done, [note.logprobs for note in notes])
        return [
            Generation(
                note.ids,
                note.logprobs,
                note.entropies,
                note.confidences,
                finished=one.finish_reason == "stop",
            )
            for note, one in zip(notes, done, strict=True)
        ]

    def recorded(self) -> dict[str, Any]:
        return {name: value for name, value in self.options.items() if name not in MACHINE}

    def versions(self) -> dict[str, str]:
        from importlib.metadata import packages_distributions, version

        return {"vllm": version(packages_distributions()["vllm"][0])}

    @cached_property
    def llm(self) -> Any:
        """The engine, started when it is first needed.

        Raises:
            ValueError: if vLLM is not installed.
        """
        try:
            from vllm import LLM
        except ImportError as error:
            raise ValueError("--engine vllm needs vLLM: pip install 'probexit[vllm]'") from error
        model, loading = self.reasoner.model, self.reasoner.loading
        own = {
            "dtype": str(model.dtype).removeprefix("torch."),
            "trust_remote_code": loading.trust_remote_code,
            "revision": self.reasoner.revision or None,
        }
        if model.device.type == "cuda":
            own["gpu_memory_utilization"] = BESIDE
        return LLM(place(self.reasoner.name), **(own | dict(self.options)))

    def _settings(self, key: int) -> Any:
        """Return how one rollout is drawn; the end tokens are those of the own loop."""
        from vllm import SamplingParams

        words = np.random.SeedSequence((self.decoding.seed, key)).generate_state(1)
        return SamplingParams(
            temperature=self.decoding.temperature,
            top_p=self.decoding.top_p,
            max_tokens=self.decoding.max_new_tokens,
            seed=int(words[0]),
            stop_token_ids=sorted(self.reasoner.eos),
            logprobs=0,  # of the token itself
            detokenize=False,
        )

    def _refuse_long(self, prompts: Sequence[Sequence[int]]) -> None:
        room = int(self.llm.llm_engine.model_config.max_model_len)
        needed = max(len(prompt) for prompt in prompts) + self.decoding.max_new_tokens
        if needed > room:
            raise ValueError(
                f"a prompt and --max-new-tokens {self.decoding.max_new_tokens} need {needed} "
                f"tokens, and vLLM runs at most {room}: give --engine-arg max_model_len={needed} "
                "if the model reads so many, or fewer new tokens"
            )


class _Progress(tqdm):  # type: ignore[misc]  # tqdm is untyped
    """Tells how many prompts are done, and shows nothing."""

    def __init__(self, on_done: Callable[[int], None], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **(kwargs | {"file": StringIO()}))
        self._on_done = on_done

    def update(self, n: float | None = 1) -> bool | None:
        shown: bool | None = super().update(n)
        if self.iterable is None:  # else it counts prompts that are handed in
            self._on_done(int(self.n))
        return shown


def _length(text: Text) -> int:
    return len(text[0]) + len(text[1])


def _refuse_other(done: Sequence[Any], logprobs: Sequence[Sequence[float]]) -> None:
    """Compare the log-probabilities that vLLM gave its tokens with those of the loaded model."""
    gaps = [
        abs(_own(step, token) - expected)
        for one, row in zip(done, logprobs, strict=True)
        for step, token, expected in zip(one.logprobs, one.token_ids, row, strict=True)
    ]
    gap = sum(gaps) / len(gaps)
    if not gap <= GAP:
        raise ValueError(
            f"vLLM's log-probabilities of its tokens are {gap:.2f} nats from those of the loaded "
            "model on average: it does not run the same weights in the same precision; leave out "
            "the --engine-arg that changes them"
        )


def _own(step: Mapping[int, Any], token: int) -> float:
    return float(step[token].logprob)
