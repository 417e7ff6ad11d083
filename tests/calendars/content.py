"""A feed's bytes as lines and components, read without any calendar library (RFC 5545, 3.1)."""

import re
from dataclasses import dataclass, field

LINE = re.compile(r'^([A-Z0-9-]+)((?:;[A-Z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)$', re.DOTALL)


@dataclass
class Property:
    """One content line."""

    name: str
    parameters: dict[str, str]
    value: str


@dataclass
class Component:
    """BEGIN … END with what is in between."""

    name: str
    properties: list[Property] = field(default_factory=list)
    children: list["Component"] = field(default_factory=list)

    def value(self, name: str) -> str:
        """The first property's value; empty when there is none."""
        return next((p.value for p in self.properties if p.name == name), "")


def line_faults(body: bytes) -> list[str]:
    found = []
    if not body.endswith(b"\r\n"):
        found.append("the last line has no CRLF")
    without = body.replace(b"\r\n", b"")
    if b"\n" in without or b"\r" in without:
        found.append("a line break that is not CRLF")
    if any((byte < 0x20 and byte != 0x09) or byte == 0x7F for byte in without):
        found.append("a control character")
    for line in body.split(b"\r\n"):
        if len(line) > 75:
            found.append(f"a line of {len(line)} octets")
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            found.append("a line that begins or ends inside a character")
    if b"\r\n\r\n" in body:
        found.append("an empty line")
    return found


@dataclass
class Reading:
    """A calendar read line by line: its root, what is still open, and what did not fit."""

    root: Component | None = None
    open: list[Component] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        """Read one content line."""
        match = LINE.match(line)
        if match is None:
            self.faults.append(f"not a content line: {line[:40]!r}")
            return
        name, parameters, value = match.groups()
        if name == "BEGIN":
            self._begin(Component(value))
        elif name == "END":
            if not self.open or self.open.pop().name != value:
                self.faults.append(f"END:{value} closes something else")
        elif not self.open:
            self.faults.append("a property outside of the calendar")
        else:
            pairs = (pair.partition("=") for pair in parameters.split(";") if pair)
            self.open[-1].properties.append(Property(name, {k: v.strip('"') for k, _, v in pairs}, value))

    def _begin(self, component: Component) -> None:
        if self.open:
            self.open[-1].children.append(component)
        elif self.root is not None:
            self.faults.append("a second calendar")
        self.root = self.root or component
        self.open.append(component)


def read(body: bytes) -> Reading:
    """The calendar in the bytes, with everything that is wrong in its structure."""
    reading = Reading()
    for line in filter(None, body.replace(b"\r\n ", b"").decode("utf-8", "replace").split("\r\n")):
        reading.take(line)
    if reading.open:
        reading.faults.append(f"{reading.open[-1].name} is not closed")
    return reading
