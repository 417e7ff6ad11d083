"""`python -m benchmarks.instances SIZE KIND SEED > problem.json`: print one problem."""

import json
import sys

from benchmarks.instances import KINDS, make, sizes


def main(arguments: list[str]) -> int:
    """Write the document to standard output; 2 when the arguments make no sense."""
    if len(arguments) != 3 or arguments[1] not in KINDS or arguments[0] not in sizes(arguments[1]):
        print(__doc__, *(f"  {kind}: {', '.join(sizes(kind))}" for kind in KINDS), sep="\n", file=sys.stderr)
        return 2
    size, kind, seed = arguments
    json.dump(make(size, kind, int(seed)), sys.stdout, separators=(",", ":"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
