from probexit.exits.html import facts, table


def test_cells_are_escaped() -> None:
    evil = "<script>&"
    for made in (table([evil, "b"], [[evil, evil]], evil), facts({evil: evil}, evil)):
        assert "<script>" not in made
        assert made.count("&lt;script&gt;&amp;") >= 3


def test_the_first_column_is_set_left_and_the_others_right() -> None:
    made = table(["a", "b", "c"], [["1", "2", "3"]])
    assert made.count("text-align: left") == 2
    assert made.count("text-align: right") == 4
