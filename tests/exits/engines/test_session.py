"""The controller at work, step by step, without a model: tokens and scores are given."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from probexit.exits.controller import ExitController
from probexit.exits.engines.forward_pass import ForwardPass
from probexit.exits.engines.obedience import ANSWER, Obedience
from probexit.exits.engines.row import Exit, Row
from probexit.exits.engines.session import Session
from probexit.exits.policies.patience import Patience
from probexit.exits.policies.threshold import Threshold
from probexit.exits.signals.base import CueState, Signal
from probexit.exits.trace import Trace
from probexit.hooks.capture import CaptureError
from probexit.hooks.cues.base import CueSet
from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.think_tags import ThinkTags

FULL = 40
CLOSING = ["</think>", " so"]


@dataclass(frozen=True)
class FirstLogit(Signal):
    """Reads its score off the logits that the test gives."""

    def scores(self, trace: Trace) -> Tensor:
        raise NotImplementedError

    def live(self, state: CueState) -> Tensor:
        return state.logits[:, 0]


@pytest.fixture
def follow(words: Any) -> Any:
    """``follow(text, scores, ...)``: feed the words of a text; return the row and its orders.

    The orders are those given after each word, and then, obeyed, until they end.
    """

    def feed(
        text: str,
        score: float = 1.0,
        *,
        cues: CueSet | None = None,
        prompt: str = "<think>",
        end: tuple[int, ...] = (2,),
        new: int = FULL,
        **settings: Any,
    ) -> tuple[Row, list[str | None]]:
        policy = settings.pop("policy", Threshold(0.5))
        tags = settings.pop("tags", ThinkTags())
        settings = {"closing": " so", "answer_tokens": 4, **settings}
        controller = ExitController(cues or Reflection(), FirstLogit(), policy, tags, **settings)
        session = Session(controller, words, new, end)
        row = session.start(words.encode(prompt, add_special_tokens=False))
        logits = torch.zeros(1, 128)
        logits[0, 0] = score
        logits[0, 2], logits[0, 30], logits[0, 31] = 9.0, 5.0, 6.0  # the model wants to end
        obey = Obedience(end)

        def step(token: int | None) -> int | None:
            (order,) = session.step(ForwardPass([row], [token], logits))
            if order == ANSWER:  # as an engine obeys it
                return int(obey(logits, [row], [order]).argmax())
            return order

        orders = [step(None), *map(step, words.encode(text, add_special_tokens=False))]
        while orders[-1] is not None:
            orders.append(step(orders[-1]))
        assert session.decisions == session.cues
        return row, [None if o is None else words.decode([o]) for o in orders]

    return feed


def test_an_exit_at_a_cue(follow: Any) -> None:
    row, orders = follow(" w20 wait w21")
    # The word is whole once the next one begins; then the closing is forced, and an answer.
    assert orders == [None, None, None, *CLOSING, " w31", None]
    assert row.exit is not None
    assert (row.exit.thinking, row.exit.cue, row.exit.score) == (3, 0, 1.0)


def test_no_exit_below_the_threshold(follow: Any) -> None:
    row, orders = follow(" w20 wait w21 wait.", score=0.25)
    assert row.exit is None
    assert row.scores == [0.25, 0.25]
    assert set(orders) == {None}


def test_the_answer_is_never_empty(follow: Any) -> None:
    """The model's first choice would be to end at once; so would its second, if that ends too."""
    assert follow(" wait.", end=(2,))[1][-2:] == [" w31", None]
    assert follow(" wait.", end=(2, 31))[1][-2:] == [" w30", None]
    assert follow(" wait.", end=())[1][-2:] == ["<|end|>", None]  # here it is a word like others


def test_room_for_the_answer(follow: Any) -> None:
    """Closing 2 and answer 4 of 9 tokens: an exit after the third is the last one possible."""
    row, _ = follow(" w20 wait.", new=9)
    assert row.exit is not None
    row, orders = follow(" w20 w21 wait.", new=9)
    assert row.exit is None
    assert row.refused == 1
    assert set(orders) == {None}


def test_the_budget_closes_the_thinking(follow: Any) -> None:
    row, orders = follow(" w20 w21 w22", score=0.0, max_thinking=3)
    assert orders == [None, None, None, *CLOSING, " w31", None]
    assert row.exit is not None
    assert (row.exit.thinking, row.exit.cue, row.exit.score) == (3, None, None)
    row, _ = follow(" w20 wait.", score=0.0, max_thinking=3)  # at a cue that does not exit
    assert row.exit is not None
    assert row.exit.cue is None
    row, _ = follow(" w20 wait.", score=1.0, max_thinking=3)  # the cue goes first
    assert row.exit is not None
    assert row.exit.cue == 0


def test_never_inside_a_tool_call(follow: Any) -> None:
    call = " w20<tool_call> wait w21 w22 w23"
    row, orders = follow(call, cues=EveryK(1), policy=Threshold(2.0), max_thinking=3)
    assert row.exit is None
    assert set(orders) == {None}
    row, _ = follow(call + "</tool_call> w24", score=0.0, max_thinking=3)
    assert row.exit is not None
    assert row.exit.thinking > 6
    row, _ = follow("<tool_call> wait w21</tool_call> wait.", score=1.0)
    assert row.exit is not None
    assert (row.exit.cue, row.exit.thinking) == (0, 6)


def test_a_model_that_opens_its_thinking_itself(follow: Any) -> None:
    row, _ = follow(" wait w20<think> w20 w21 wait.", prompt=" w50")
    assert row.exit is not None
    assert (row.exit.cue, row.exit.thinking) == (0, 4)  # the first word comes before the thinking


@pytest.mark.parametrize("prompt", [" w50", "<think> w51</think>"])
def test_a_model_that_does_not_think(follow: Any, prompt: str) -> None:
    row, orders = follow(" wait w20 wait.", prompt=prompt, max_thinking=1)
    assert row.exit is None
    assert set(orders) == {None}


def test_nothing_happens_after_the_thinking(follow: Any) -> None:
    row, orders = follow(" w20</think> wait w21 wait.", max_thinking=5)
    assert row.exit is None
    assert row.scores == []
    assert set(orders) == {None}


def test_policies_see_the_whole_history(follow: Any) -> None:
    row, _ = follow(" wait w20 wait w21", policy=Patience(0.5, patience=2))
    assert row.exit is not None
    assert row.exit.cue == 1


def test_rows_that_are_gone_are_passed_over(words: Any) -> None:
    controller = ExitController(EveryK(1), FirstLogit(), Threshold(0.5), ThinkTags(), " so")
    session = Session(controller, words, 99)
    rows = [session.start([3]) for _ in range(3)]
    logits = torch.zeros(3, 128)
    logits[2, 0] = 1.0
    made = ForwardPass([rows[0], None, rows[2]], [20, None, 20], logits)
    assert session.step(made) == [None, None, 4]
    assert rows[1].written == 0
    assert session.cues == 2


def watched(words: Any, signal: Signal) -> tuple[Session, Row]:
    controller = ExitController(EveryK(1), signal, Threshold(0.5), ThinkTags(), " so")
    session = Session(controller, words, 99)
    return session, session.start(words.encode("<think>", add_special_tokens=False))


def test_a_dropped_decision_is_an_error(words: Any) -> None:
    """At the row's next token, and where it has none, at its end."""
    session, row = watched(words, FirstLogit())
    session.step(ForwardPass([row], [20], torch.zeros(1, 128)))
    session.finish(row)  # what was decided is no error
    session.read([row], [21])  # the pass that follows is not handed over
    with pytest.raises(RuntimeError, match="stood at 2 cues and was decided on at 1"):
        session.finish(row)
    with pytest.raises(RuntimeError, match="stood at 2 cues and was decided on at 1"):
        session.read([row], [22])


def test_dropped_states_are_an_error(words: Any, reading: Any) -> None:
    session, row = watched(words, reading(0.5, layers=(1, 2)).signal)
    logits = torch.zeros(1, 128)
    with pytest.raises(CaptureError, match=r"layers \[1, 2\] are read, and the pass gave none"):
        session.step(ForwardPass([row], [20], logits))
    for shape in ((0, 2, 32), (1, 1, 32)):
        session, row = watched(words, reading(0.5, layers=(1, 2)).signal)
        made = ForwardPass([row], [20], logits, lambda _, shape=shape: torch.zeros(shape))
        with pytest.raises(CaptureError, match="1 rows at 2 layers were asked for"):
            session.step(made)


def test_a_budget_of_nought_closes_what_the_prompt_opened(follow: Any) -> None:
    row, orders = follow("", score=0.0, max_thinking=0)
    assert row.exit == Exit(0)
    assert orders == [*CLOSING, " w31", None]
    row, orders = follow("<think>", score=0.0, prompt=" w50", max_thinking=0)
    assert row.exit == Exit(0)
    row, orders = follow(" w20 w21", score=0.0, prompt=" w50", max_thinking=0)
    assert row.exit is None  # it does not think


def test_the_budget_does_not_cut_a_tag_in_two(follow: Any) -> None:
    """A tag of two tokens may be half written where the budget ends: the next token tells."""
    tags = ThinkTags(close=" w22 w23")
    row, _ = follow(" w20 w22 w23 w24", score=0.0, tags=tags, max_thinking=2)
    assert row.exit is None
    row, _ = follow(" w20 w22 w24", score=0.0, tags=tags, max_thinking=2)
    assert row.exit == Exit(3)
