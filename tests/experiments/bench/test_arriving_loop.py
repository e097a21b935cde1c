"""A loop with arrivals writes what the loop writes, and nobody is served before he comes."""

from itertools import islice

from probexit.exits.engines.decoding import Decoding
from probexit.exits.engines.loop import generate
from probexit.experiments.bench.arriving_loop import ArrivingLoop
from probexit.experiments.recording.tasks.arith import Arith
from probexit.hooks.models import Source, load


def test_the_same_tokens_in_the_order_of_arrival() -> None:
    reasoner = load(Source())
    prompts = [reasoner.prompt(item.question) for item in islice(Arith(seed=6).items(), 6)]
    decoding = Decoding(24, batch_size=2)
    plain = generate(reasoner.model, reasoner.tokenizer, prompts, None, decoding)
    loop = ArrivingLoop(reasoner, None, decoding)
    arrivals = [0.0, 0.0, 0.001, 0.002, 9e6, 9e6 + 1]  # the last two after a long idle time
    written, served = loop.serve(prompts, arrivals)
    assert [one.token_ids for one in written] == [one.token_ids for one in plain]
    assert all(one.arrives <= one.begins < one.ends for one in served)
    assert served[3].begins >= min(one.ends for one in served[:3])  # two places only
    assert max(one.latency for one in served) < 1e6  # the idle time is skipped, not waited
    assert sum(seconds for _, _, seconds in loop.passes) < 1e6
    assert sum(rows for rows, _, _ in loop.passes) == sum(len(one.token_ids) - 1 for one in written)
