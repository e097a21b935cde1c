"""Which exit rules to compare: by group or by name, in the table's order."""

from probexit.experiments.methods.core.base import Method, MethodFamily
from probexit.experiments.registry import members, named

METHODS = "probexit.experiments.methods"
# One rule of each kind: a table that fits a terminal.
CORE = (
    *("full_run", "no_thinking", "fixed_budget", "random_exit", "answer_consistency"),
    *("trial_confidence", "lynx_calibration", "probe", "oracle"),
)
FRAME = ("full_run", "probe", "oracle")  # what every other row is read against
AGAIN = "full_run_again"  # what a live row is read against: another run is another run
GROUPS = ("core", "all", "replayed", "live")
FAMILIES = {family.replace(" ", "-"): family for family in MethodFamily}


def all_methods() -> dict[str, Method]:
    """Return every method by its name, by family and then by name."""
    order = list(MethodFamily)
    found: list[tuple[str, Method]] = [(name, make()) for name, make in members(METHODS).items()]
    return dict(sorted(found, key=lambda item: (order.index(item[1].family), item[0])))


def chosen(choice: str) -> dict[str, Method]:
    """Return methods by name, in the table's order.

    Args:
        choice: ``core``, ``all``, ``replayed`` (needs no model), ``live`` (generates anew with one
            model), a family such as ``two-models``, names, or several of these with commas. The
            full run, our rule and the oracle always come with them, and with a live rule the full
            run once more.

    Raises:
        ValueError: on an unknown name, with the one that was perhaps meant.
    """
    found, wanted = all_methods(), set(FRAME)
    for part in (part.strip() for part in choice.split(",")):
        wanted |= _group(part, found) if part in (*GROUPS, *FAMILIES) else {_name(part)}
    if not all(found[name].replayed for name in wanted):
        wanted.add(AGAIN)
    return {name: method for name, method in found.items() if name in wanted}


def _group(group: str, found: dict[str, Method]) -> set[str]:
    if group == "core":
        return set(CORE)
    return {name for name, method in found.items() if _belongs(method, group)}


def _belongs(method: Method, group: str) -> bool:
    if group in FAMILIES:
        return method.family is FAMILIES[group]
    if group == "live":  # two models take much longer and are asked for by their family
        return not method.replayed and method.family is not MethodFamily.SWITCH
    return group == "all" or method.replayed


def _name(part: str) -> str:
    return named(METHODS, part).__module__.rpartition(".")[2]
