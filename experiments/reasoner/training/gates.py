"""The conditions a checkpoint has to meet before anything is built on it."""

from typing import Any

MAIN = "arith default T=1"
DECODINGS = (MAIN, "arith default T=0.6", "arith default greedy")
PLACE = "index + position + length"
OTHER_RULES = (PLACE, "run length of equal answers", "forced-answer confidence")


def gates(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give every gate with what was measured, what is asked for, and whether it is passed."""
    settings, study = result["settings"], result["study"]
    main = settings[MAIN]
    forced = main["forced_accuracy_by_cue"]
    certified = study["certified"]["0.05"]
    probe = certified["probe"]["share_of_oracle"]
    rival = max(certified[name]["share_of_oracle"] for name in OTHER_RULES)
    lead = study["auroc"][study["best_probe"]][0] - study["auroc"][PLACE][0]
    unfinished = max(settings[name]["unfinished"][0] for name in DECODINGS)
    measured = {
        "first answer right": (main["first_answer_right"][0], 0.40, 0.65),
        "full run right": (main["accuracy"][0], 0.60, 0.92),
        "cues per trace": (main["cues"], 5.0, None),
        "redundant share on solved problems": (main["redundant_share"], 0.333, None),
        "unfinished at the cap, worst of T=1, T=0.6, greedy": (unfinished, None, 0.05),
        "rise of forced accuracy over the cues": (max(forced) - forced[0], 0.15, None),
        "probe's AUROC over index + position + length": (lead, 0.08, None),
        "probe's share of the oracle's saving, certified 5 %": (probe, 0.65, None),
        "the same, above the best trivial rule": (probe - rival, 0.0, None),
    }
    return {name: _judge(*limits) for name, limits in measured.items()}


def _judge(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    passed = (low is None or value >= low) and (high is None or value <= high)
    return {"value": round(value, 4), "low": low, "high": high, "passed": passed}
