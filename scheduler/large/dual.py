"""Prices by descent on the smoothed dual: what the linear program gives, where that is too large to solve.

Every «best of» in the dual becomes an entropic soft maximum of falling width, and L-BFGS-B minimises the smooth
function (Nesterov, «Smooth minimization of non-smooth functions», 2005; Byrd, Lu, Nocedal and Zhu 1995). The smooth
function leaves out the room of single rows and lags; what the prices prove is derived with them.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from scheduler.bound_rooms import part_cost
from scheduler.large.relaxation_lp import PENALTY, Solution
from scheduler.large.relaxation_model import Coarse, Floats, Ints

FROM_SCRATCH = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
"""Widths of the soft maximum, as fractions of the mean merit."""
FROM_NEAR = (0.003, 0.001, 0.0003)
STEPS = 60
MEMORY = 20
"""Iterations at each width, and gradients that L-BFGS-B remembers."""


class Smooth:
    """The smoothed dual of a coarse problem under floors (cost-grains by member), in variables of like size."""

    def __init__(self, model: Coarse, floors: Floats) -> None:
        self.model = model
        self.floors = floors - model.start_held
        problem = model.rooms.problem
        costs = np.array(
            [part_cost(problem, problem.requests[row.request].parts[row.part]) for row in model.rooms.asks]
        )
        self.merit = float(model.value @ model.demand) / max(1e-9, float(costs @ model.demand)) or 1.0
        self.width = costs * self.merit
        self.total = max(1.0, float(self.width @ model.demand))
        self.price_scale = self.typical_prices()
        self.taken = model.takes.T.tocsr()
        self.earning = model.held.T.tocsr()
        self.depth = depths(model)
        followed = np.zeros(len(costs), dtype=bool)
        followed[model.parent[model.parent >= 0]] = True
        self.low = np.where(model.must | followed, model.low, model.demand)
        requests = int(model.request.max(initial=-1)) + 1
        self.has_must = np.bincount(model.request, model.must, requests) > 0
        self.request_width = np.bincount(model.request, model.demand * self.width, requests).astype(np.float64)
        self.volume = np.zeros(model.rows)

    def typical_prices(self) -> Floats:
        """For each thing and cell the mean worth of a grain of the rows that take it."""
        cell, row = self.model.takes.nonzero()
        count = np.bincount(cell, minlength=len(self.model.capacity))
        worth = np.bincount(cell, self.width[self.model.ask[row]], len(self.model.capacity))
        return np.where(count > 0, worth / np.maximum(count, 1), 1.0)

    def split(self, point: Floats) -> tuple[Floats, Floats]:
        """Prices of time and rates of members."""
        count = len(self.price_scale)
        return point[:count] * self.price_scale, point[count:] * self.merit

    def join(self, prices: Floats, rates: Floats) -> Floats:
        return np.concatenate([prices / self.price_scale, rates / self.merit])

    def __call__(self, point: Floats, width: float) -> tuple[float, Floats]:
        """The smooth function and its gradient, both scaled to about 1."""
        model = self.model
        prices, rates = self.split(point)
        margin = (model.value + self.earning @ rates)[model.ask] - self.taken @ prices
        best, spread = self.best_margin(margin, width)
        profit, filled = self.ask_profit(best, width)
        gain, chosen = self.choose(profit, width)
        self.volume = (chosen * filled)[model.ask] * spread
        figure = gain + prices @ model.capacity - rates @ self.floors
        by_price = (model.capacity - model.takes @ self.volume) * self.price_scale
        by_rate = (model.held_by_row @ self.volume - self.floors) * self.merit
        return float(figure) / self.total, np.concatenate([by_price, by_rate]) / self.total

    def best_margin(self, margin: Floats, width: float) -> tuple[Floats, Floats]:
        """The soft maximum over the rows of each ask, and how it spreads over them."""
        first, ask = self.model.first, self.model.ask
        scale = width * self.width
        top = np.maximum.reduceat(margin, first)
        weight = np.exp((margin - top[ask]) / scale[ask])
        total = np.add.reduceat(weight, first)
        return top + scale * np.log(total), weight / total[ask]

    def ask_profit(self, best: Floats, width: float) -> tuple[Floats, Floats]:
        """Profit of an ask that holds something, and its grains: `low` at a loss, `demand` at a gain."""
        more = self.model.demand - self.low
        gain, share = soft_positive(best, width * self.width)
        return self.low * best + more * gain, self.low + more * share

    def choose(self, profit: Floats, width: float) -> tuple[float, Floats]:
        """Σ over requests of the soft best choice of asks, and how far each ask is chosen."""
        model = self.model
        total, share = profit.copy(), np.ones(len(profit))
        scale = width * model.demand * self.width
        for places in reversed(self.depth[1:]):
            gain, share[places] = soft_positive(total[places], scale[places])
            total += np.bincount(model.parent[places], gain, len(total))
        roots = self.depth[0]
        free = roots[~model.must[roots]]
        gain, share[free] = soft_positive(total[free], scale[free])
        by_request = np.bincount(model.request[free], gain, len(self.has_must)).astype(np.float64)
        bound = roots[model.must[roots]]
        by_request += np.bincount(model.request[bound], total[bound], len(self.has_must))
        gated = np.flatnonzero(self.has_must)
        gain, open_share = soft_positive(by_request[gated], width * self.request_width[gated])
        opening = np.ones(len(by_request))
        opening[gated] = open_share
        share[roots] *= opening[model.request[roots]]
        for places in self.depth[1:]:
            share[places] *= share[model.parent[places]]
        return float(gain.sum() + by_request[~self.has_must].sum()), share


def soft_positive(figure: Floats, scale: Floats) -> tuple[Floats, Floats]:
    """A smooth max(0, figure), and its slope."""
    ratio = figure / scale
    return scale * np.logaddexp(0.0, ratio), 1 / (1 + np.exp(-np.clip(ratio, -500, 500)))


def depths(model: Coarse) -> list[Ints]:
    """Asks by how many others must hold something before them."""
    level = np.zeros(len(model.parent), dtype=np.int64)
    for place in np.flatnonzero(model.parent >= 0):  # parents come first
        level[place] = level[model.parent[place]] + 1
    return [np.flatnonzero(level == depth) for depth in range(int(level.max(initial=0)) + 1)]


def descend(
    model: Coarse, floors: Floats, start: tuple[Floats, Floats] | None = None, widths: Sequence[float] = FROM_SCRATCH
) -> Solution:
    """Prices of time and members for the most value under floors (cost-grains), from a start or from nothing.

    `volume` is the smooth optimum's, spread over many rows; `objective` is the last smooth figure.
    """
    smooth = Smooth(model, floors)
    count = len(smooth.price_scale)
    point = np.concatenate([np.full(count, 0.5), np.zeros(len(floors))]) if start is None else smooth.join(*start)
    dearest = PENALTY * float(model.value.max(initial=1.0)) / smooth.merit
    limits = [(0.0, None)] * count + [(0.0, dearest if floor > 0 else 0.0) for floor in smooth.floors]
    figure = 0.0
    for width in widths if model.rows else ():
        found = minimize(
            smooth,
            point,
            args=(width,),
            jac=True,
            method="L-BFGS-B",
            bounds=limits,
            options={"maxiter": STEPS, "maxcor": MEMORY},
        )
        point, figure = found.x, float(found.fun) * smooth.total
    smooth(point, widths[-1])
    prices, rates = smooth.split(point)
    return Solution(figure, smooth.volume, np.zeros(0), prices, rates)
