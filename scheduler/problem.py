"""The problem `equora-problem/1` as one frozen value, read from JSON or refused."""

import json
from dataclasses import dataclass, field
from functools import cached_property

from scheduler.canonical import canonical_text, text_hash
from scheduler.demand import request_demands
from scheduler.parse import (
    read_member,
    read_pattern,
    read_policy,
    read_published,
    read_resources,
    read_rows,
    read_start,
    read_unique_ids,
)
from scheduler.parse_requests import read_request
from scheduler.reading import Node, refuse_repeats
from scheduler.values import Member, Pattern, Policy, Published, Request, Resource

SCHEMA = "equora-problem/1"
LONGEST_HORIZON = 2_000_000
REQUIRED = ("schema", "grain_minutes", "start", "grains", "policy", "members", "resources", "requests")
OPTIONAL = ("published", "frozen_until", "pins", "forbidden")


@dataclass(frozen=True)
class Problem:
    """A whole problem; times are grains of `grain_minutes` from `start` (UTC)."""

    grain_minutes: int
    start: str
    grains: int
    policy: Policy
    members: tuple[Member, ...]
    resources: tuple[Resource, ...]
    requests: tuple[Request, ...]
    published: tuple[Published, ...]
    frozen_until: int
    pins: tuple[Pattern, ...]
    forbidden: tuple[Pattern, ...]
    source: str = field(compare=False, repr=False)
    """The canonical JSON this was read from: plans carry its hash, with no defaults filled in."""

    @classmethod
    def from_json(cls, value: object) -> "Problem":
        """Read parsed JSON; raises ProblemError with the path of the first thing refused."""
        fields = Node(value).fields(REQUIRED, OPTIONAL)
        if fields["schema"].text() != SCHEMA:
            fields["schema"].refuse(f"must be {SCHEMA}")
        grains = fields["grains"].integer(1, LONGEST_HORIZON)
        grain_minutes = fields["grain_minutes"].integer(1)
        start = read_start(fields["start"], grain_minutes, grains)
        member_ids = set(read_unique_ids(fields["members"]))
        members = read_rows(fields["members"], read_member)
        resources = read_resources(fields["resources"], grains)
        by_id = {resource.id: resource for resource in resources}
        read_unique_ids(fields["requests"])
        requests = read_rows(fields["requests"], lambda row: read_request(row, member_ids, by_id, grains))
        named = {request.id: request for request in requests}
        published = read_rows(fields.get("published"), lambda row: read_published(row, named, by_id, grains))
        if "published" in fields:
            refuse_repeats(fields["published"].items(), published)
        return cls(
            grain_minutes=grain_minutes,
            start=start,
            grains=grains,
            policy=read_policy(fields["policy"], member_ids),
            members=members,
            resources=resources,
            requests=requests,
            published=published,
            frozen_until=fields["frozen_until"].integer(0, grains) if "frozen_until" in fields else 0,
            pins=read_rows(fields.get("pins"), lambda row: read_pattern(row, named, by_id, grains)),
            forbidden=read_rows(fields.get("forbidden"), lambda row: read_pattern(row, named, by_id, grains)),
            source=canonical_text(value),
        )

    def to_json(self) -> dict[str, object]:
        """The JSON this was read from, as it was."""
        document: dict[str, object] = json.loads(self.source)
        return document

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON."""
        return text_hash(self.source)

    @cached_property
    def member_by_id(self) -> dict[str, Member]:
        return {member.id: member for member in self.members}

    @cached_property
    def resource_by_id(self) -> dict[str, Resource]:
        return {resource.id: resource for resource in self.resources}

    @cached_property
    def request_by_id(self) -> dict[str, Request]:
        return {request.id: request for request in self.requests}

    @cached_property
    def demands(self) -> dict[tuple[str, str], int]:
        """Grains that each (request, part) can hold at most by its windows, lengths, least and needs."""
        return {
            (request.id, part): grains
            for request in self.requests
            for part, grains in request_demands(self, request).items()
        }

    @cached_property
    def frozen(self) -> tuple[Published, ...]:
        """Published blocks that start before `frozen_until`: they stay."""
        return tuple(block for block in self.published if block.start < self.frozen_until)
