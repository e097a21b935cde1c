"""One look for every progress bar of the command line: what, how far, how long still."""

import os
import sys

LAYOUT = "{desc} |{bar}| {n_fmt} of {total_fmt}, {remaining} left{postfix}"


def settle() -> None:
    """Set how tqdm draws its bars, unless the user has; call before tqdm is imported.

    Nothing is drawn where standard error is no terminal, so that logs stay quiet.
    """
    os.environ.setdefault("TQDM_DYNAMIC_NCOLS", "1")
    os.environ.setdefault("TQDM_MININTERVAL", "0.5")
    os.environ.setdefault("TQDM_BAR_FORMAT", LAYOUT)
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")
