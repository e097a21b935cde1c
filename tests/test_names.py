"""The names of the package: light to import, each to be found."""

import subprocess
import sys

import pytest

import probexit


def test_importing_the_package_loads_no_torch() -> None:
    code = "import sys, probexit; print(any(m.split('.')[0] == 'torch' for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", probexit.__all__)
def test_every_name_is_found(name: str) -> None:
    assert getattr(probexit, name) is not None


def test_layer_exits_are_among_them() -> None:
    from probexit.exits.depth.controller import DepthController

    assert probexit.DepthController is DepthController


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="DepthControler"):
        _ = probexit.DepthControler  # type: ignore[attr-defined]
