"""Time as the bits of one integer: bit g is grain g. A horizon is answered in a few machine operations per word."""


def span(start: int, end: int) -> int:
    """The grains [start, end)."""
    return (1 << end) - (1 << start) if end > start else 0


def runs(free: int, length: int) -> int:
    """Every grain at which `length` free grains in a row begin, by doubling."""
    have = 1
    while have < length:
        step = min(have, length - have)
        free &= free >> step
        have += step
    return free


def later(mask: int, most: int) -> int:
    """Every grain of the mask and up to `most` grains after it."""
    reach = 0
    while reach < most:
        step = min(reach + 1, most - reach)
        mask |= mask << step
        reach += step
    return mask


def earlier(mask: int, most: int) -> int:
    """Every grain of the mask and up to `most` grains before it."""
    reach = 0
    while reach < most:
        step = min(reach + 1, most - reach)
        mask |= mask >> step
        reach += step
    return mask


def first(mask: int) -> int:
    """The earliest grain of a mask that is not empty."""
    return (mask & -mask).bit_length() - 1


def last(mask: int) -> int:
    """The latest grain of a mask that is not empty."""
    return mask.bit_length() - 1
