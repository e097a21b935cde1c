"""How the documentation is built: `make docs`."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "extensions")]

project = "probexit"
author = project_copyright = "the probexit authors"
highlight_language = "none"  # of blocks that name none
version = release = version_of("probexit")

extensions = [
    "myst_parser",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "command_pages",
    "repository_links",
    "written_signatures",
]
html_theme = "furo"
html_title = f"probexit {version}"
myst_heading_anchors = 3
# One page per package, its modules one below the other.
apidoc_modules = [
    {
        "path": "../probexit",
        "destination": "reference",
        "follow_links": True,
        "module_first": True,
        "max_depth": 3,
        "automodule_options": ["members", "show-inheritance"],
    }
]
autodoc_mock_imports = ["vllm"]  # has its own environment
autodoc_member_order = "bysource"
autodoc_default_options = {
    "ignore-module-all": True,  # each name once, where it is written
    # what scikit-learn adds to every classifier
    "exclude-members": "set_fit_request,set_partial_fit_request,set_score_request,"
    "set_predict_request,set_predict_proba_request,set_transform_request",
}
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
autodoc_inherit_docstrings = False  # the contract stands once, in the base class
napoleon_attr_annotations = False  # types stand in the signature
napoleon_use_ivar = True  # dataclass fields are described once, in their class
exclude_patterns = ["_build"]
# What others document; their inventories need a network.
ELSEWHERE = (
    *("torch", "numpy", "np", "scipy", "sklearn", "transformers", "pandas", "matplotlib", "mapie"),
    *("vllm", "pydantic", "markupsafe", "tqdm", *sys.stdlib_module_names),
)
# Short names of types, which are no classes.
ALIASES = (
    *("Array", "Batch", "Bools", "Change", "Decode", "Example", "Fact", "Floats", "Ids", "Ints"),
    *(
        "Label",
        "Layers",
        "Leave",
        "Lesson",
        "Make",
        "Metric",
        "P",
        "R",
        "S",
        "Score",
        "Shares",
        "Statistic",
    ),
    *("Rotation", "Scorer", "States", "LayerStates", "T", "Test", "Weigh"),
)
nitpick_ignore_regex = [
    (r"py:.*", rf"({'|'.join(ELSEWHERE)})\..*"),
    (r"py:.*", rf"([\w.]+\.)?({'|'.join(ALIASES)})"),
    (r"py:class", r"(dict|list|tuple)\[.*"),  # what "alias of" says of a type
]
