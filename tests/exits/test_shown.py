"""Results say in words what they are; what they hold is escaped in a notebook."""

from probexit.exits.shown import Shown


class Found(Shown):
    def described(self) -> tuple[str, dict[str, str]]:
        return "Found <b>", {"a": "1", "longer": "<script>"}


def test_plain() -> None:
    assert repr(Found()) == "Found <b>\n  a       1\n  longer  <script>"


def test_html_is_escaped() -> None:
    page = Found()._repr_html_()
    assert "Found &lt;b&gt;" in page
    assert "<script>" not in page
