"""Writes static/css/timeline-grid.css: the static classes that place bars without inline styles.

Run `python -m core.timeline_css` after a change here; a test holds the file to this.
"""

from core.config import ROOT
from core.timeline_places import PIXELS_A_DAY, QUARTERS

FILE = ROOT / "static" / "css" / "timeline-grid.css"
LONGEST = 31
LANES = 20
COUNTS = (1, 7, 14, 28, 29, 30, 31)


def rules() -> list[str]:
    """One rule a line: start, width and days of a bar; lanes; number of days; labels by zoom; the phone's day."""
    found = ["/* Made by core/timeline_css.py. */"]
    found += [f".s{n}{{--s:{n}}}" for n in range(QUARTERS)]
    found += [f".w{n}{{--w:{n}}}" for n in range(QUARTERS)]
    found += [f".d{n}{{--d:{n}}}" for n in range(1, LONGEST + 1)]
    found += [f".D{n}{{--D:{n}}}" for n in range(LONGEST)]
    found += [f".y{n}{{--y:{n}}}" for n in range(1, LANES)]
    found += [f".r{n}{{--r:{n}}}" for n in range(1, LANES + 1)]
    found += [f".n{n}{{--n:{n}}}" for n in COUNTS]
    for zoom in range(len(PIXELS_A_DAY)):
        for letter, part in (("j", "::before"), ("k", " b"), ("l", " i"), ("m", " u")):
            fits = ",".join(f".{letter}{z}" for z in range(zoom + 1))
            found.append(f'.tl-in[data-zoom="{zoom}"] :is({fits}){part}{{font-size:12px}}')
    shown = ",".join(f'.tl[data-shown="{n}"]>tbody>tr>td:nth-child({n + 2})' for n in range(LONGEST))
    found.append(f"@media(max-width:640px){{{shown}{{display:flex}}}}")
    return found


def main() -> None:
    """Write the file."""
    FILE.write_text("\n".join(rules()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
