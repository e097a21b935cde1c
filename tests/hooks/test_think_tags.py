import pytest

from probexit.hooks.think_tags import ThinkTags, opens_thinking, think_tags


class Fake:
    """What think_tags reads of a tokenizer."""

    name_or_path = "some/model"

    def __init__(self, vocabulary=(), template=None):
        self.vocabulary, self.chat_template = vocabulary, template

    def get_vocab(self):
        return dict.fromkeys(self.vocabulary, 0)


def test_tags_in_the_vocabulary(byte_tokenizer):
    assert think_tags(byte_tokenizer) == ThinkTags("<think>", "</think>")


@pytest.mark.parametrize(
    ("template", "opens"),
    [
        ("{{ '<think>' }}...{{ '</think>' }}", "<think>"),
        ("[THINK]x[/THINK]", "[THINK]"),
        ("◁think▷◁/think▷", "◁think▷"),
        ("<seed:think></seed:think>", "<seed:think>"),
        ("<|channel|>analysis<|message|>...<|end|>", "<|channel|>analysis<|message|>"),
    ],
)
def test_published_pairs_in_the_chat_template(template, opens):
    assert think_tags(Fake(template=template)).open == opens


@pytest.mark.parametrize("fake", [Fake(), Fake(["<think>"]), Fake(template="</think>")])
def test_no_pair_names_the_model_and_the_flags(fake):
    with pytest.raises(ValueError, match=r"some/model.*--think-open and --think-close"):
        think_tags(fake)


def test_a_chat_template_that_opens_the_thinking(byte_tokenizer):
    message = [{"role": "user", "content": "1 + 1?"}]
    for opened in (True, False):
        ids = byte_tokenizer.apply_chat_template(
            message, add_generation_prompt=opened, return_dict=False
        )
        assert opens_thinking(byte_tokenizer, ThinkTags(), ids) is opened


@pytest.mark.parametrize(
    ("prompt", "opened"),
    [("<think>\n", True), ("Hi", False), ("<think>\n\n</think>\n\n", False), ("<think> so", True)],
)
def test_the_last_tag_of_a_prompt_decides(byte_tokenizer, prompt, opened):
    ids = byte_tokenizer.encode(prompt)
    assert opens_thinking(byte_tokenizer, ThinkTags(), ids) is opened


@pytest.mark.parametrize(
    "tags", [{"open": ""}, {"close": ""}, {"mute": ("a", "")}, {"open": "x", "close": "x"}]
)
def test_tags_that_cannot_work_are_refused(tags):
    with pytest.raises(ValueError, match="tag"):
        ThinkTags(**tags)
