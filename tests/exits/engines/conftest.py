"""A model runner as vLLM's plugin sees it, over a random model: no vLLM is needed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from probexit.exits.controller import ExitController
from probexit.exits.engines.server.settings import Settings
from probexit.exits.engines.vllm_plugin.batch import BatchExits
from probexit.exits.production.audit import Audit
from probexit.exits.production.oversight import Oversight

END = 2


class FakeRunner:
    """Flat passes over the requests, prompts in parts, requests that come and go."""

    def __init__(self, model: Any, tokenizer: Path, controller: ExitController, **given: Any):
        self.model, self.part = model, given.get("part", 24)
        self.max_model_len = given.get("length", 200)
        text = SimpleNamespace(num_hidden_layers=4, eos_token_id=END)
        self.model_config = SimpleNamespace(
            hf_text_config=text,
            tokenizer=str(tokenizer),
            tokenizer_revision=None,
            try_get_generation_config=dict,
        )
        parsed = SimpleNamespace(reasoning_parser="")
        self.vllm_config = SimpleNamespace(structured_outputs_config=parsed)
        self.requests: dict[str, Any] = {}
        self.computed: dict[str, int] = {}
        self.input_batch = SimpleNamespace(req_ids=[])
        self.spoilt: Callable[[list[Any]], list[Any]] = list
        folder, audit = given["folder"], given.get("audit", Audit(0.0))
        settings = Settings((controller,), folder / "log", False, folder / "counts", audit)
        oversight = given.get("oversight", Oversight())
        self.exits = [
            BatchExits(self, settings, oversight, rank == 0)
            for rank in range(given.get("ranks", 1))
        ]
        self.probexit = self.exits[0]

    def add(self, name: str, prompt: Sequence[int], limit: int, **extra: Any) -> None:
        params = SimpleNamespace(
            extra_args=extra, structured_outputs=None, max_tokens=limit, temperature=0, top_p=1
        )
        params.all_stop_token_ids = {END}
        self.requests[name] = SimpleNamespace(
            prompt_token_ids=list(prompt),
            output_token_ids=[],
            sampling_params=params,
            mm_features=[],
        )
        self.computed[name] = 0

    def forget(self, name: str) -> None:
        """Put a request aside, as for want of memory: all its tokens are computed anew."""
        self.computed[name] = 0

    def run(self) -> dict[str, list[int]]:
        """Run all requests, and those that they lead to, to their end; return what each wrote."""
        done: dict[str, list[int]] = {}
        finished: list[str] = []
        while self.requests:
            for exits in self.exits:
                exits.finish(finished)
            for name in finished:
                done[name] = self.requests.pop(name).output_token_ids
            for ask in self.probexit.asks():
                self.add(ask.name, ask.prompt_ids, ask.tokens, probexit=False)
            finished = self.step() if self.requests else []
        return done

    def step(self) -> list[str]:
        """Make one pass; return who ended in it."""
        names, ends, spans, texts = list(self.requests), [0], [], []
        self.input_batch.req_ids = names
        for name in names:
            request = self.requests[name]
            ids = [*request.prompt_token_ids, *request.output_token_ids]
            stop = min(len(ids), self.computed[name] + self.part)
            spans.append((self.computed[name], stop))
            texts.append(ids[:stop])
            ends.append(ends[-1] + stop - self.computed[name])
            self.computed[name] = stop
        whole = [stop == self._length(name) for name, (_, stop) in zip(names, spans, strict=True)]
        self.query_start_loc = SimpleNamespace(np=np.array(ends))
        self.discard_request_mask = SimpleNamespace(np=~np.array(whole))
        width = max(map(len, texts))  # padded on the right: no token sees what follows it
        ids = torch.tensor([[*text, *[0] * (width - len(text))] for text in texts])
        with torch.no_grad():
            out = self.model(ids, output_hidden_states=True)
        hidden = [
            [states[i, a:b] for i, (a, b) in enumerate(spans)] for states in out.hidden_states
        ]
        logits = torch.stack([row[b - 1] for row, (_, b) in zip(out.logits, spans, strict=True)])
        auxiliary = [torch.cat(hidden[2])]  # of layer 1
        last = torch.stack([rows[-1] for rows in hidden[-1]])
        state = SimpleNamespace(aux_hidden_states=self.spoilt(auxiliary), sample_hidden_states=last)
        found = []
        for exits in self.exits:
            exits.passed(state)
            found.append(exits.decide(logits.clone()).argmax(-1))
        assert all(torch.equal(found[0], other) for other in found)  # every rank the same tokens
        return [
            name
            for name, w, t in zip(names, whole, found[0], strict=True)
            if w and self._write(name, int(t))
        ]

    def _length(self, name: str) -> int:
        request = self.requests[name]
        return len(request.prompt_token_ids) + len(request.output_token_ids)

    def _write(self, name: str, token: int) -> bool:
        request = self.requests[name]
        request.output_token_ids.append(token)
        return token == END or len(request.output_token_ids) >= request.sampling_params.max_tokens


@pytest.fixture
def fake_vllm(lively: Callable[..., Any], words: Any, tmp_path: Path) -> Callable[..., FakeRunner]:
    """``fake_vllm(controller, ...)``: a runner over the tiny llama."""
    words.save_pretrained(tmp_path / "tokenizer")

    def make(controller: ExitController, **given: Any) -> FakeRunner:
        return FakeRunner(
            lively("llama"), tmp_path / "tokenizer", controller, folder=tmp_path, **given
        )

    return make
