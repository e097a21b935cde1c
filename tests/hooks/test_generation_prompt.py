"""Only what stands behind the last message says whether the thinking is open."""

import copy

import pytest

from probexit.hooks.think_tags import HARMONY, ThinkTags, opens_thinking, think_tags

OPENED = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}<|bot|>\n<think>\n"
CLOSED = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}<|bot|>\n"
SWITCHED = CLOSED + "{% if thinking %}<think>\n{% endif %}"
ASKED = "What does the <think> tag do?"


def with_template(tokenizer, template):
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.chat_template = template
    return tokenizer


def prompt(tokenizer, text, **template_args):
    messages = [{"role": "user", "content": text}]
    return tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_dict=False, **template_args
    )


@pytest.mark.parametrize("kind", ["byte", "metaspace"])
@pytest.mark.parametrize(
    ("template", "text", "opened"),
    [
        (CLOSED, "1 + 1?", False),
        (CLOSED, ASKED, False),
        (CLOSED, "Say <think> and nothing more: <think>", False),
        (OPENED, "1 + 1?", True),
        (OPENED, "And what does </think> do?", True),
        (CLOSED + "<think>\n\n</think>\n\n", ASKED, False),
    ],
)
def test_what_the_user_writes_about_tags_opens_nothing(kind, template, text, opened, request):
    tokenizer = with_template(request.getfixturevalue(f"{kind}_tokenizer"), template)
    assert opens_thinking(tokenizer, ThinkTags(), prompt(tokenizer, text)) is opened


def test_a_template_argument_opens_the_thinking(byte_tokenizer):
    tokenizer = with_template(byte_tokenizer, SWITCHED)
    for thinking in (True, False):
        ids = prompt(tokenizer, ASKED, thinking=thinking)
        assert opens_thinking(tokenizer, ThinkTags(), ids) is thinking


def test_a_thinking_that_the_prompt_begins(byte_tokenizer):
    tokenizer = with_template(byte_tokenizer, CLOSED)
    ids = prompt(tokenizer, ASKED)
    begun = [*ids, *tokenizer.encode("<think>\nFirst,", add_special_tokens=False)]
    assert opens_thinking(tokenizer, ThinkTags(), begun)


@pytest.mark.parametrize(
    ("template", "tags"),
    [
        (CLOSED + "<reasoning>\n", ("<reasoning>", "</reasoning>")),
        (CLOSED + "[SCRATCHPAD]", ("[SCRATCHPAD]", "[/SCRATCHPAD]")),
        (CLOSED + "{# <thought>..</thought> #}", ("<thought>", "</thought>")),
        (CLOSED + "{# <inner>..</inner> #}<inner>", ("<inner>", "</inner>")),
        (CLOSED + "{# <|channel|>analysis<|message|> #}", (HARMONY.open, HARMONY.close)),
    ],
)
def test_tags_are_found_in_the_template(metaspace_tokenizer, template, tags):
    found = think_tags(with_template(metaspace_tokenizer, template))
    assert (found.open, found.close) == tags


def test_a_bracket_that_is_no_tag(metaspace_tokenizer):
    with pytest.raises(ValueError, match="--think-open"):
        think_tags(with_template(metaspace_tokenizer, CLOSED + "<assistant>\n"))
