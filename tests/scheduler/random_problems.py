"""Small random problems that use every feature now and then."""

from random import Random

from tests.scheduler.makers import Json, a_problem, a_row


def an_interval_list(random: Random, grains: int) -> list[list[int]] | None:
    if random.random() < 0.5:
        return None
    ends = sorted(random.sample(range(grains + 1), random.choice((2, 4))))
    return [list(pair) for pair in zip(ends[::2], ends[1::2], strict=True)]


def a_random_part(random: Random, name: str, resources: list[str], grains: int) -> Json:
    lengths = sorted(random.sample((1, 2, 3), random.choice((1, 1, 2))))
    amount = random.randint(max(lengths), 5)
    gap = random.choice((None, None, [0, 2], [1, None], [1, 2]))
    preferred = [[0, grains // 2, random.randint(1, 3)], [1, 3, 2]] if random.random() < 0.4 else []
    return {
        "id": name,
        "alternatives": random.sample(resources, random.randint(1, len(resources))),
        "amount": amount,
        "least": random.choice((0, min(lengths), amount)),
        "lengths": lengths,
        "most_blocks": random.choice((1, 2)),
        "gap": gap,
        "allowed": an_interval_list(random, grains),
        "preferred": preferred,
        "configuration": random.choice((None, "p", "C")),
        "side": [{"resource": "staff", "units": random.choice((1, 2))}] if random.random() < 0.2 else [],
    }


def a_random_request(random: Random, name: str, resources: list[str], grains: int) -> Json:
    member, other = random.sample(("a", "b", "c"), 2)
    parts = [a_random_part(random, f"p{place}", resources, grains) for place in range(random.choice((1, 1, 2)))]
    lags = []
    if len(parts) > 1 and random.random() < 0.6:
        lags = [{"after": "p0", "then": "p1", "least": random.choice((0, 1)), "most": random.choice((None, 2))}]
    return {
        "id": name,
        "shares": {member: 0.7, other: 0.3} if random.random() < 0.25 else {member: 1.0},
        "merit": random.choice((1, 2.5, 7)),
        "needs": random.choice(("any", "all")),
        "parts": parts,
        "lags": lags,
    }


def a_random_problem(seed: int, fairness: str = "leximin") -> Json:
    random = Random(seed)
    grains = random.randint(4, 6)
    table = {"p>C": random.choice((1, 2)), "C>p": 1} if random.random() < 0.4 else {}
    exclusive = "beam" if random.random() < 0.4 else None
    resources = [
        {
            "id": name,
            "capacity": random.choice((1, 1, 2)),
            "cost": 1.5,
            "open": an_interval_list(random, grains),
            "starts": sorted(random.sample(range(grains), 3)) if random.random() < 0.3 else None,
            "exclusive": exclusive,
            "changeover": table,
        }
        for name in ("r", "s")[: random.choice((1, 2))]
    ]
    names = [str(resource["id"]) for resource in resources]
    staff = {"id": "staff", "capacity": 2, "cost": 1.5, "open": [[0, grains - 1]]}
    requests = [a_random_request(random, f"q{place}", names, grains) for place in range(random.choice((2, 3)))]
    published = [{"request": "q0", "part": "p0", "resource": "r", "start": random.randint(0, 2), "length": 1}]
    quotas = [
        {"name": "ab", "members": ["a", "b"], "floor": 0.5, "cap": 0.8},
        {"name": "c", "members": ["c"], "floor": 0.2, "cap": 1.0},
    ]
    return a_problem(
        *requests,
        grains=grains,
        policy={"fairness": fairness, "value_slack": 0.0, "seed": seed % 7, "quotas": quotas},
        members=[
            {"id": member, "weight": random.choice((1, 2, 0.5)), "past_use": random.choice((0, 0, 1, 3))}
            for member in ("a", "b", "c")
        ],
        resources=[*resources, staff],
        published=published,
        forbidden=[{"request": "q1", "start": 1}] if random.random() < 0.3 else [],
        pins=[{"request": "q0"}] if random.random() < 0.15 else [],
    )


def a_rich_problem(seed: int, fairness: str = "leximin") -> Json:
    """What the plain ones lack: frozen blocks, equal parts, chains, bridged changeovers, slack."""
    document = a_random_problem(seed, fairness)
    random = Random(f"rich {seed}")
    cost = random.choice((1, 1.5, 0.7))
    configurations = [None, "p", "C"]
    if random.random() < 0.4:
        configurations.append("x")
        table = {"p>C": random.choice((1, 3)), "C>p": 1, "p>x": 1, "x>C": 0, "C>C": random.choice((0, 1))}
        document["resources"] = [row | {"changeover": table} for row in document["resources"][:-1]] + [
            document["resources"][-1]
        ]
    document["resources"] = [row | {"cost": cost} for row in document["resources"]]
    for request in document["requests"]:
        for part in request["parts"]:
            part["configuration"] = random.choice(configurations)
            if random.random() < 0.4:
                part |= {"gap": random.choice(([0, 0], [0, 1], [1, 1])), "most_blocks": random.choice((2, 3, None))}
        if random.random() < 0.3 and not request["lags"]:
            part = request["parts"][0] | {"amount": 2, "least": 1, "lengths": [1]}
            request["parts"] = [part, part | {"id": "twin"}]
    document["policy"]["value_slack"] = random.choice((0.0, 0.0, 0.15))
    parts = [(request["id"], part) for request in document["requests"] for part in request["parts"]]
    rows = random.sample(parts, random.choice((0, 1, 1, 2)))
    document["published"] = [
        a_row(request, random.randint(0, 2), random.randint(1, 2), part["id"], random.choice(part["alternatives"]))
        for request, part in rows
    ]
    document["frozen_until"] = random.choice((0, 0, 1, 2))
    name, part = random.choice(parts)
    bans: list[Json] = [{"request": name, "part": part["id"], "start": 2}, {"resource": "r", "length": 2}, {"start": 3}]
    document["forbidden"] = random.sample(bans, random.choice((0, 0, 1, 2)))
    name, part = random.choice(parts)
    pins: list[Json] = [{"request": name, "part": part["id"]}, {"start": 3}, {"resource": "r", "request": name}]
    document["pins"] = random.sample(pins, random.choice((0, 0, 0, 1, 2)))
    return document
