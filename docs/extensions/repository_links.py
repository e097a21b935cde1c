"""Links from a page to files beside `docs/` lead to the page that holds them."""

import re

from sphinx.application import Sphinx

PAGES = {
    "README": "index",
    "CONTRIBUTING": "contributing",
    "CHANGELOG": "changelog",
    "SECURITY": "security",
}


def rewrite(app: Sphinx, name: str, source: list[str]) -> None:
    """Replace ``../CHANGELOG.md`` by ``/changelog.md``, at any depth."""
    source[0] = re.sub(
        rf"\]\((?:\.\./)+({'|'.join(PAGES)})\.md(?:#[\w-]+)?\)",
        lambda found: f"](/{PAGES[found[1]]}.md)",
        source[0],
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", rewrite)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
