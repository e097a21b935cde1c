"""Which versions of a serving engine a plugin may work in: it uses what is no public interface."""

from importlib.metadata import PackageNotFoundError, version

from probexit.exits.engines.server.environment import CONTROLLER


def installed(*names: str) -> str:
    """Return a distribution's version, under whichever of its names it was installed."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "not installed"


def refuse_version(engine: str, series: str, found: str) -> None:
    """Refuse a version outside the series that a plugin was written for.

    Args:
        engine: What the engine is called.
        series: Such as "0.32", which is 0.32 and every 0.32.x.
        found: The version that is installed.

    Raises:
        ValueError: naming series and version.
    """
    if found != series and not found.startswith(f"{series}."):
        raise ValueError(
            f"probexit works inside {engine} {series}.*, and this is {found}: install that, or "
            f"unset {CONTROLLER}"
        )
