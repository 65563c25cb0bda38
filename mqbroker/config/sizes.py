"""How much memory an option means: octets with a unit, or a share of what there is."""

import re
from typing import NamedTuple, Self

_UNITS = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_TEXT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(%|[A-Z]*)")


class MemorySize(NamedTuple):
    """So many octets, or a share of the memory that there is."""

    octets: int
    share: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Such as `400MB`, `2GiB` or `40%`. ValueError with the reason."""
        found = _TEXT.fullmatch(text.strip().upper())
        if found is None or (found[2] != "%" and found[2] not in _UNITS):
            raise ValueError(f"must be a size such as 400MB, 2GiB or 40%, not {text!r}")
        number = float(found[1])
        if found[2] == "%":
            if not 0 < number <= 100:
                raise ValueError(f"must be more than 0 % and at most 100 %, not {text!r}")
            return cls(0, number / 100)
        octets = int(number * _UNITS[found[2]])
        if not octets:
            raise ValueError(f"must be more than nothing, not {text!r}")
        return cls(octets)

    def of(self, usable: int) -> int:
        """In octets, where so many may be used."""
        return self.octets or int(self.share * usable)
