import pytest
import torch
import transformers

from probexit.exits.verifiers.language_model import LanguageModel

PAIRS = [(f"The answer is {i}.", f"The answer is {j}.") for i in range(8) for j in range(8)]


@pytest.fixture
def judge(judge_folder):
    return LanguageModel(str(judge_folder), question="{first}|{second}|", yes="Wait", no="Hmm")


def test_says_yes_where_the_model_finds_yes_likelier(judge, judge_folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(judge_folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(judge_folder)
    yes, no = (tokenizer.encode(word)[0] for word in ("Wait", "Hmm"))
    found = []
    for a, b in PAIRS:
        said = [{"role": "user", "content": f"{a}|{b}|"}]
        text = tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
        with torch.no_grad():
            logits = model(**tokenizer(text, return_tensors="pt")).logits[0, -1]
        found.append(bool(logits[yes] > logits[no]))
    assert [judge.same(a, b) for a, b in PAIRS] == found
    assert 0 < sum(found) < len(found)  # or it would hold for a judge that always says the same


def test_the_replies_can_be_swapped(judge, judge_folder):
    swapped = LanguageModel(str(judge_folder), question=judge.question, yes="Hmm", no="Wait")
    assert all(judge.same(a, b) != swapped.same(a, b) for a, b in PAIRS[:10])


def test_asks_once_about_the_same_texts(judge, monkeypatch):
    first = judge.same(*PAIRS[0])
    monkeypatch.setattr(LanguageModel, "_loaded", property(lambda _: pytest.fail("asked again")))
    assert judge.same(*PAIRS[0]) == first


def test_without_a_chat_template(judge_folder, byte_tokenizer, tmp_path):
    tokenizer = transformers.AutoTokenizer.from_pretrained(judge_folder)
    tokenizer.chat_template = None
    transformers.AutoModelForCausalLM.from_pretrained(judge_folder).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    plain = LanguageModel(str(tmp_path), question="{first}|{second}|", yes="Wait", no="Hmm")
    assert plain.same("a", "b") in (True, False)


def test_refuses_replies_that_begin_alike(judge_folder):
    judge = LanguageModel(str(judge_folder), yes="Wait", no="Wait!")
    with pytest.raises(ValueError, match="choose other replies"):
        judge.same("a", "b")


def test_refuses_a_question_without_the_texts():
    with pytest.raises(ValueError, match=r"must hold \{first\} and \{second\}"):
        LanguageModel("anywhere", question="Are {first} and that the same?")
