import pytest

from probexit.experiments.evaluation.choice import all_methods, chosen
from probexit.experiments.evaluation.render.listing import as_list


@pytest.mark.parametrize("columns", [80, 120])
def test_every_method_is_listed_and_fits_the_terminal(columns):
    lines = as_list(all_methods(), columns).splitlines()
    assert max(map(len, lines)) <= columns
    words = {line.split(" ")[0].removesuffix("*") for line in lines}
    assert columns < 120 or set(all_methods()) <= words


def test_long_cells_go_on_below_and_lose_no_word():
    (name, method), *_ = [
        (name, method) for name, method in all_methods().items() if len(method.guarantee) > 30
    ]
    text = as_list({name: method}, 80)
    assert set(method.guarantee.split()) <= set(text.split())
    assert len(text.splitlines()) > 4


def test_marks_what_generates_anew():
    assert "*" not in as_list(chosen("core"))
    live = as_list(chosen("no_wait"))
    assert "no_wait*" in live
    assert "* changes the text" in live
