import pytest

from probexit.hooks.cues.every_k import EveryK
from probexit.hooks.cues.paragraph import Paragraph
from probexit.hooks.cues.reader import cue_positions
from probexit.hooks.cues.reflection import Reflection
from probexit.hooks.cues.union import Union
from probexit.hooks.think_tags import ThinkTags

MEMBERS = (Reflection(), Paragraph(), EveryK(5))


def test_a_cue_of_any_member_and_one_per_token(byte_tokenizer):
    parts = ["so wait, no", "\n\n", "Hmm", "\n\n", "it is alternatively, so"]
    ids = [i for part in parts for i in byte_tokenizer.encode(part)]
    found = [cue_positions(byte_tokenizer, cues, ThinkTags(), ids) for cues in MEMBERS]
    together = cue_positions(byte_tokenizer, Union(MEMBERS), ThinkTags(), ids)
    assert together == sorted(set().union(*found))
    assert len(together) < sum(map(len, found))  # "Hmm\n\n" completes two


def test_unions_nest_and_need_a_member():
    assert Union((Union((Paragraph(),)), EveryK(2))).ends("\n\n")
    with pytest.raises(ValueError, match="at least one"):
        Union(())
