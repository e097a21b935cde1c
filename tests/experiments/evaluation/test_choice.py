import pytest

from probexit.experiments.evaluation.choice import (
    CORE,
    FAMILIES,
    FRAME,
    GROUPS,
    all_methods,
    chosen,
)


def test_all_is_everything_by_family():
    found = all_methods()
    assert list(chosen("all")) == list(found)
    assert next(iter(found)) == "full_run"


def test_the_core_exists_and_needs_no_model():
    core = chosen("core")
    assert set(core) == set(CORE)
    assert all(method.replayed for method in core.values())


def test_replayed_and_live_share_nothing_but_the_frame():
    replayed, live = set(chosen("replayed")), set(chosen("live,two-models"))
    assert replayed | live == set(all_methods())
    assert replayed & live == set(FRAME)


def test_names_come_with_what_they_are_read_against():
    assert set(chosen("fixed-budget")) == {"fixed_budget", *FRAME}
    assert set(chosen("core, no_wait")) == {*CORE, "no_wait", "full_run_again"}


@pytest.mark.parametrize("choice", ["fixed_bugdet", "core,fixed_bugdet"])
def test_an_unknown_name_is_told_with_the_one_perhaps_meant(choice):
    with pytest.raises(ValueError, match=r"unknown method 'fixed_bugdet' \(did you mean 'fixed_b"):
        chosen(choice)


def test_no_method_is_called_like_a_group():
    assert not {*GROUPS, *FAMILIES} & set(all_methods())


def test_a_family_is_a_group_and_two_models_are_asked_for():
    pairs = set(chosen("two-models")) - set(FRAME)
    assert "spec_reason" in pairs
    assert pairs.isdisjoint(set(chosen("live")) - {"full_run_again"})
