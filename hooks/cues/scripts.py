"""Scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese."""

import re

# Blocks of the Unicode standard.
_SPACELESS = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def is_spaceless(character: str) -> bool:
    """Tell whether a character is of a script that writes no spaces between words."""
    return _SPACELESS.match(character) is not None
