"""Count the votes of several samples."""

from collections.abc import Callable, Sequence


def winner(
    answers: Sequence[str],
    weights: Sequence[float],
    lengths: Sequence[int],
    same: Callable[[str, str], bool],
) -> int | None:
    """Return the sample whose answer has the largest weight behind it.

    Of equal ones, the answer that the shortest sample gave (arXiv 2505.17813, section 5), and of
    one answer its shortest sample. None if no sample with a weight has an answer.

    Args:
        answers: ``k`` answers; "" is none.
        weights: How much each counts.
        lengths: Tokens of each sample.
        same: Tells whether two answers are the same.
    """
    voters = [i for i in range(len(answers)) if answers[i] and weights[i] > 0]
    parties: list[list[int]] = []
    for i in sorted(voters, key=lambda i: (lengths[i], i)):
        mine = next((party for party in parties if same(answers[party[0]], answers[i])), None)
        if mine is None:
            parties.append([i])
        else:
            mine.append(i)
    if not parties:
        return None
    # parties stand in the order of their shortest sample, and max keeps the first of equal ones
    return max(parties, key=lambda party: sum(weights[i] for i in party))[0]
