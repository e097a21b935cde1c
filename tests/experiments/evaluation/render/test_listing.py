from probexit.experiments.evaluation.choice import all_methods, chosen
from probexit.experiments.evaluation.render.listing import NAME, WIDTH, as_list


def test_every_method_is_listed_and_fits_the_terminal():
    lines = as_list(all_methods()).splitlines()
    assert max(map(len, lines)) <= WIDTH
    names = {line[:NAME].strip().removesuffix("*") for line in lines}
    assert set(all_methods()) <= names


def test_long_cells_go_on_below_and_lose_no_word():
    (name, method), *_ = [
        (name, method) for name, method in all_methods().items() if len(method.guarantee) > 30
    ]
    text = as_list({name: method})
    assert set(method.guarantee.split()) <= set(text.split())
    assert len(text.splitlines()) > 4


def test_marks_what_generates_anew():
    assert "*" not in as_list(chosen("core"))
    live = as_list(chosen("no_wait"))
    assert "no_wait*" in live
    assert "* changes the text" in live
