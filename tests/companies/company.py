"""An invented company in the layout of `metering findings try`, with labels.

It shares nothing with the practice generator but the layout: teams of one to five projects, people
of very unequal use, productivity that drifts week by week, elasticities that differ, outcomes that
come in batches and are taken back, a closing of the office, and at the vendors a client that loses
its cache for twelve days, a new tokenizer, an outage and a cheaper price. A `Climate` makes any of
this rougher.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.companies.climates import Climate
from tests.companies.kinds import LOOKALIKES, LOOKED_FOR, Floats, Ints, Work

CLASSES: Final = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
)
# Provider, and USD per million tokens of each class.
MODELS: Final[dict[str, tuple[str, tuple[float, ...]]]] = {
    "orca-max": ("orca", (15.0, 1.5, 18.75, 75.0)),
    "orca-mid": ("orca", (3.0, 0.3, 3.75, 15.0)),
    "orca-mini": ("orca", (0.8, 0.08, 1.0, 4.0)),
    "wren-deep": ("wren", (10.0, 2.5, 10.0, 40.0)),
    "wren-fast": ("wren", (0.3, 0.03, 0.3, 1.2)),
    "lynx-1": ("lynx", (1.25, 0.125, 1.25, 10.0)),
    "orca-next": ("orca", (2.4, 0.24, 3.0, 12.0)),
}
# Models that a migration replaces: by what, and with how many more tokens for the same text.
_MIGRATION: Final = {"orca-mid": ("orca-next", 1.35)}


@dataclass(frozen=True)
class Function:
    """How the people of a function work: per person and working day where it says so."""

    people: tuple[int, int]
    requests: float
    prompt: float
    cached: float
    output: float
    reasoning: float
    off: float
    rate: float
    weight: float
    lag: float
    window: int
    batch: int
    kind: str
    keyed: float
    models: tuple[str, str, str]  # usual, now and then, the dear one


FUNCTIONS: Final = {
    "platform": Function(
        *((4, 18), 60, 24_000, 0.75, 500, 0.15, 0.10, 0.35, 1.0, 3, 14, 0, "merged", 0.9),
        models=("orca-mid", "lynx-1", "orca-max"),
    ),
    "product": Function(
        *((3, 12), 45, 15_000, 0.65, 700, 0.15, 0.08, 0.25, 1.5, 5, 21, 10, "merged", 0.7),
        models=("orca-mid", "orca-mini", "orca-max"),
    ),
    "support": Function(
        *((1, 3), 400, 2_500, 0.45, 220, 0.02, 0.45, 12.0, 0.1, 0.5, 7, 0, "solved", 1.0),
        models=("orca-mini", "wren-fast", "lynx-1"),
    ),
    "content": Function(
        *((2, 8), 25, 6_000, 0.25, 1_100, 0.05, 0.06, 0.3, 1.0, 6, 21, 0, "published", 0.5),
        models=("orca-mini", "wren-fast", "lynx-1"),
    ),
    "analytics": Function(
        *((2, 9), 30, 18_000, 0.5, 900, 0.35, 0.12, 0.15, 2.0, 10, 30, 7, "report", 0.6),
        models=("lynx-1", "orca-mid", "wren-deep"),
    ),
    "research": Function(
        *((2, 7), 40, 28_000, 0.6, 1_800, 0.55, 0.25, 0.05, 5.0, 28, 75, 0, "study", 0.8),
        models=("orca-mid", "wren-deep", "orca-max"),
    ),
}
_SHORT_OUTAGE_DAYS: Final = 3
_NORMAL_FREEDOM: Final = 1000.0
_SHARES: Final = (0.3, 0.22, 0.14, 0.12, 0.12, 0.1)
# Where a kind of work is at home; anything else may be anywhere.
_AT_HOME: Final = {"backfill": "support", "slow_work": "research", "stopped": "platform"}
USAGE: Final = (
    *("date", "provider", "model", "team", "project", "user", "workflow_key", "requests"),
    *CLASSES,
    *("reasoning_tokens", "distinct_prompts", "sessions", "failed_requests", "offhours_requests"),
    "cost_usd",
)


@dataclass
class Label:
    """What is true of a project; `excess_usd` is spend beyond what honest work would cost."""

    team: str
    project: str
    family: str
    kind: str
    lookalike: bool
    onset: date | None
    excess_usd: float


@dataclass
class Company:
    """The rows of every file."""

    usage: list[tuple[Any, ...]] = field(default_factory=list)
    outcomes: list[tuple[float, str, str, str, str, float]] = field(default_factory=list)
    projects: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    prices: list[tuple[Any, ...]] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    start: date = date(2026, 3, 2)

    def write(self, folder: Path, *, without: Sequence[str] = ()) -> Path:
        """Write the files, leaving out some columns of usage; return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = [at for at, name in enumerate(USAGE) if name not in without]
        usage = ([row[at] for at in kept] for row in sorted(self.usage))
        _write(folder / "usage.csv", [USAGE[at] for at in kept], usage)
        begin = datetime.combine(self.start, datetime.min.time(), UTC)
        outcomes = (
            (
                f"o{at}",
                f"{begin + timedelta(seconds=int(row[0] * 86_400)):%Y-%m-%dT%H:%M:%SZ}",
                *row[1:],
            )
            for at, row in enumerate(sorted(self.outcomes))
        )
        _write(
            folder / "outcomes.csv",
            ("outcome_id", "timestamp", "kind", "team", "project", "workflow_key", "weight"),
            outcomes,
        )
        prices = [f"{name.removesuffix('_tokens')}_per_mtok" for name in CLASSES]
        head = ("provider", "model", "effective_from")
        _write(folder / "prices.csv", (*head, *prices), self.prices)
        head = ("team", "project", "function")
        further = ("headcount", "start_date", "declared_outcome", "attribution_window_days")
        _write(folder / "projects.csv", (*head, *further), sorted(self.projects))
        _write(
            folder / "events.csv",
            ("start_date", "end_date", "kind", "scope", "detail"),
            self.events,
        )
        return folder


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


class _Maker:
    """Draws one company."""

    def __init__(self, seed: int, climate: Climate) -> None:
        self.rng = np.random.default_rng([seed, 77])
        self.days = climate.weeks * 7 - int(self.rng.integers(0, 5))
        self.climate = climate
        self.company = Company()
        number = np.arange(self.days)
        self.weekday = (number + self.company.start.weekday()) % 7
        self.calendar = np.where(self.weekday < 5, 1.0, 0.1)
        self.holidays = self.rng.choice(np.flatnonzero(self.weekday < 5), 3, replace=False)
        self.calendar[self.holidays] = 0.08
        quarter = self.days // 4
        closing = int(self.rng.integers(quarter, 3 * quarter))
        self.calendar[closing : closing + 7] *= 0.35
        low, high = self.days // 3, 2 * self.days // 3
        self.cheaper, self.tokenizer, bug, outage = (
            int(at) for at in self.rng.integers(low, high, 4)
        )
        self.bug = (number >= bug) & (number < bug + 12)
        self.outage = (number >= outage) & (number < outage + climate.outage_days)
        self.calendar[self.outage] *= 0.6 if climate.outage_days > _SHORT_OUTAGE_DAYS else 1.0
        self.migration = int(self.rng.integers(low, high)) if climate.has_migration else self.days
        self.launch = int(self.rng.integers(low, high))
        self.steps = self._price_steps(low, high)
        phase = self.rng.uniform(0, 2 * np.pi)
        self.season = np.exp(climate.season * np.sin(2 * np.pi * number / 70 + phase))
        self.number = number
        self.people = 0

    def _price_steps(self, low: int, high: int) -> list[tuple[int, str, float]]:
        """Return the changes of list prices after the first: day, model, factor to the first."""
        rng, later = self.rng, self.climate.price_steps - 1
        return [
            (int(rng.integers(low, high)), str(model), float(rng.choice([0.5, 0.7, 1.3])))
            for model in rng.permutation([m for m in MODELS if m != "orca-mini"])[:later]
        ]

    def day(self, number: int) -> date:
        return self.company.start + timedelta(days=int(number))

    def calendar_rows(self) -> None:
        company, first = self.company, self.day(0)
        for at in self.holidays:
            company.events.append((self.day(at), self.day(at), "holiday", "all", ""))
        outage = np.flatnonzero(self.outage)
        if self.climate.is_told:
            company.events.append((self.day(outage[0]), self.day(outage[-1]), "outage", "all", ""))
        cut = self.day(self.cheaper)
        company.events.append((cut, "", "price_change", "model:orca-mini", "list price cut"))
        for name, (provider, prices) in MODELS.items():
            company.prices.append((provider, name, first, *prices))
        lowered = tuple(round(0.4 * price, 4) for price in MODELS["orca-mini"][1])
        company.prices.append(("orca", "orca-mini", cut, *lowered))
        for at, name, factor in self.steps:
            provider, first_prices = MODELS[name]
            changed = (round(factor * price, 4) for price in first_prices)
            company.prices.append((provider, name, self.day(at), *changed))
            company.events.append((self.day(at), "", "price_change", f"model:{name}", "list price"))

    def project(self, team: str, name: str, kind: str, strength: float) -> None:
        rng, days = self.rng, self.days
        role = _AT_HOME.get(kind) or str(rng.choice(list(FUNCTIONS), p=_SHARES))
        function = FUNCTIONS[role]
        onset = int(days * rng.uniform(0.3, 0.7))
        end = days if rng.random() < 0.5 else min(days, onset + int(rng.integers(30, 50)))
        work = self._honest(function, onset, end, strength)
        if not kind and rng.random() < self.climate.launches:
            ahead = self.number - self.launch - rng.integers(0, 14)
            work.demand = np.where((ahead >= 0) & (ahead < 30), 2.5, 1.0)
        elif not kind and rng.random() < self.climate.backfills:
            ahead = self.number - onset
            work.demand = np.where((ahead >= 0) & (ahead < rng.integers(3, 12)), 8.0, 1.0)
        if kind in LOOKED_FOR or kind in LOOKALIKES:
            (LOOKED_FOR | LOOKALIKES)[kind](work)
        starts = self._join(work, onset)
        work.requests = work.requests * work.demand * (self.number[None, :] >= starts[:, None])
        wasted = self._usage(team, name, function, work)
        honest = work.requests.sum() > 0 and kind not in {"silent", "no_feed"}
        if honest:
            self._outcomes(team, name, function, work, starts, onset if kind == "stopped" else days)
        for what, detail in work.events:
            row = (self.day(onset), self.day(end - 1), what, f"project:{name}", detail)
            self.company.events.append(row)
        people = len(work.requests)
        window = int(function.window * max(1.0, work.lag_factor))
        self.company.projects.append((team, name, role, people, self.day(0), function.kind, window))
        family = "token_maxing" if kind in LOOKED_FOR else "none"
        family = {"silent": "no_outcome", "stopped": "no_outcome", "no_feed": "no_feed"}.get(
            kind, family
        )
        self.company.labels.append(
            Label(
                *(team, name, family, kind, kind in LOOKALIKES),
                onset=self.day(onset) if kind else None,
                excess_usd=wasted if kind in LOOKED_FOR else 0.0,
            )
        )

    def _honest(self, function: Function, onset: int, end: int, strength: float) -> Work:
        rng, days = self.rng, self.days
        drawn = rng.integers(function.people[0], function.people[1] + 1)
        people = max(1, round(float(drawn) * self.climate.people))
        pipeline = function.kind == "solved"
        calendar = 0.7 + 0.3 * self.calendar if pipeline else self.calendar
        walk = np.cumsum(rng.normal(0, 0.02, days)) + (
            rng.normal(self.climate.growth, 0.002) * self.number
        )
        skill = rng.lognormal(0, 0.8, people)[:, None]
        active = rng.random((people, days)) < (1.0 if pipeline else 0.9)
        shape = (people, days)
        noise = np.exp(np.clip(self.climate.noise * self._tails(shape), -3.0, 2.5))
        if self.climate.wander:
            steps = rng.normal(0, self.climate.wander, (people, days // 7 + 1))
            noise *= np.exp(np.repeat(np.cumsum(steps, axis=1), 7, axis=1)[:, :days])
        involved = np.zeros(people)
        involved[: max(1, int(np.ceil(people * rng.uniform(0.3, 0.7))))] = 1.0
        since = (self.number - onset).astype(np.float64)
        left = [(self.day(at + 28).replace(day=1) - self.day(at)).days for at in range(days)]
        return Work(
            requests=function.requests
            * (skill * np.exp(walk) * calendar * active * noise * self.season),
            window=((since >= 0) & (self.number < end)).astype(np.float64),
            since=since,
            involved=rng.permutation(involved)[:, None],
            strength=strength,
            days_left=np.array(left, np.float64) % 31 - 1,
            off=function.off,
        )

    def _tails(self, shape: tuple[int, int]) -> Floats:
        if self.climate.freedom > _NORMAL_FREEDOM:
            return self.rng.normal(0, 1, shape)
        return self.rng.standard_t(self.climate.freedom, shape)

    def _join(self, work: Work, onset: int) -> Floats:
        """Add the joiners' work; return the day on which each person starts."""
        starts = np.zeros(len(work.requests))
        if work.joiners:
            later = onset + self.rng.integers(0, 20, work.joiners)
            starts = np.concatenate([starts, later])
            work.requests = np.concatenate([work.requests, work.requests])
            work.involved = np.concatenate([work.involved, work.involved])
        return starts

    def _usage(self, team: str, name: str, function: Function, work: Work) -> float:
        """Write the usage of a project; return the USD beyond what honest work would cost."""
        dear = np.broadcast_to(np.asarray(work.premium, np.float64), work.requests.shape)
        usual = 0.6 + 0.3 * self.rng.random((len(dear), 1))
        shares = (usual * (1 - dear), (1 - usual) * (1 - dear), dear)
        wasted = 0.0
        for model, share in zip(function.models, shares, strict=True):
            paid, honest = self._rows(team, name, model, function, work, work.requests * share)
            wasted += paid - honest
        # What went to the dear model would have gone to the others.
        beyond = self._expected(function, function.models[2])
        for model, share in zip(function.models[:2], (usual, 1 - usual), strict=True):
            cheaper = self._expected(function, model)
            wasted += float((work.requests * dear * share).sum()) * (beyond - cheaper)
        if work.extra is not None:
            extra = Work(
                *(work.extra, work.window, work.since, work.involved, 0.0, work.days_left),
                output=work.extra_output,
                distinct=work.extra_distinct,
                failed=work.extra_failed,
                off=max(work.extra_off, 0.0),
                extra_own_keys=work.extra_own_keys,
            )
            wasted += self._rows(team, name, function.models[0], function, extra, work.extra)[0]
        self.people += len(dear)
        return wasted

    def _expected(self, function: Function, model: str) -> float:
        """Return what an honest request costs on average with a model, in USD."""
        fresh, cached, written, output = MODELS[model][1]
        prompt = function.cached * cached + 0.05 * written + (0.95 - function.cached) * fresh
        return (function.prompt * prompt + function.output * output) / 1e6

    def _rows(
        self, team: str, name: str, model: str, function: Function, work: Work, requests: Floats
    ) -> tuple[float, float]:
        """Write the usage of one model; return what it cost, and would with usual prompts."""
        rng = self.rng
        whole = np.rint(requests).astype(np.int64)
        person, day = np.nonzero(whole)
        count = whole[person, day]

        def at(value: Floats | float) -> Floats:
            return np.broadcast_to(np.asarray(value, np.float64), whole.shape)[person, day]

        provider, prices = MODELS[model]
        newer, more = _MIGRATION.get(model, (model, 1.0))
        moved = (day >= self.migration + 7 * (len(team) % 3)) & (newer != model)
        longer = np.where((day >= self.tokenizer) & (model == "orca-mid"), 1.3, 1.0)
        longer = np.where(moved, longer * more, longer)
        price = np.where(moved, MODELS[newer][1][0] / prices[0], 1.0)
        price *= np.where((day >= self.cheaper) & (model == "orca-mini"), 0.4, 1.0)
        for at_day, name_of, factor in self.steps:
            price *= np.where((day >= at_day) & (model == name_of), factor, 1.0)
        names = np.where(moved, newer, model)
        noise = rng.lognormal(0, 0.25, (2, len(count)))
        lost = np.where(self.bug[day] & (provider == "orca"), 0.3, 1.0)

        def tokens_of(longer_prompt: Floats, hit: Floats, longer_answer: Floats) -> list[Ints]:
            prompt = count * function.prompt * longer_prompt * noise[0] * longer
            cached = prompt * function.cached * hit * lost
            written = prompt * 0.05
            output = count * function.output * longer_answer * noise[1] * longer
            fresh = np.maximum(0, prompt - cached - written)
            return [part.astype(np.int64) for part in (fresh, cached, written, output)]

        def usd_of(of: list[Ints]) -> Floats:
            whole = sum(n * p for n, p in zip(of, prices, strict=True)) / 1e6
            return np.asarray(price * whole, np.float64)

        tokens = tokens_of(at(work.prompt), at(work.cached), at(work.output))
        usd, usual = usd_of(tokens), usd_of(tokens_of(at(1.0), at(1.0), at(1.0)))
        output = tokens[3]
        failed = np.where(self.outage[day], 0.35, at(work.failed))
        off = np.where(self.weekday[day] >= 5, 1.0, at(work.off))
        keys = 1000 * person + (day if work.extra_own_keys else day // 5)
        if function.kind == "solved" and not work.extra_own_keys:
            keys = person
        distinct = np.clip(np.rint(count * at(work.distinct)), 1, count).astype(np.int64)
        columns = (
            *(count, *tokens, (output * function.reasoning).astype(np.int64), distinct),
            np.maximum(1, count // 15),
            rng.binomial(count, np.clip(failed, 0, 0.95)),
            rng.binomial(count, np.clip(off, 0, 1)),
        )
        shown = [
            (
                *(self.day(day[i]).isoformat(), provider, str(names[i]), team, name),
                f"u{self.people + person[i]}",
                f"{name}-{keys[i]}{'x' if work.extra_own_keys else ''}",
                *(int(column[i]) for column in columns),
                f"{usd[i]:.9f}",
            )
            for i in range(len(count))
        ]
        self.company.usage += shown
        return float(usd.sum()), float(usual.sum())

    def _outcomes(
        self, team: str, name: str, function: Function, work: Work, starts: Floats, until: int
    ) -> None:
        rng, days = self.rng, self.days
        weeks = np.repeat(np.cumsum(rng.normal(0, self.climate.drift, days // 7 + 2)), 7)[:days]
        share = work.requests / np.maximum(work.requests.max(axis=1, keepdims=True), 1e-9)
        level = work.requests.mean(axis=1, keepdims=True) / function.requests
        learning = np.clip((self.number - starts[:, None] + 5) / 25, 0.2, 1)
        learning = np.where(starts[:, None] > 0, learning, 1.0)
        power = rng.uniform(0.7, 1.0)
        done = np.sqrt(np.maximum(level, 1e-9)) * (share * 3) ** power * learning / 2
        rate = function.rate * done.sum(axis=0) * np.exp(weeks)
        count = rng.poisson(rate * rng.gamma(2, 0.5, days))
        down = self._feed_down(team)
        worth = np.broadcast_to(np.asarray(work.weight, np.float64), (days,))
        for day in np.flatnonzero(count):
            bundled = function.kind == "solved"
            for _ in range(1 if bundled else int(count[day])):
                lag = float(rng.gamma(4, function.lag * work.lag_factor / 4))
                when = float(day) + float(rng.uniform(0.3, 0.8)) + (0.0 if bundled else lag)
                if function.batch and rng.random() < 0.8:
                    when = (int(when) // function.batch + 1) * function.batch + 0.4
                if when >= min(until, days) or down <= when < down + self.climate.silent_days:
                    continue
                weight = function.weight * float(worth[day])
                weight *= float(count[day] if bundled else rng.lognormal(0, 0.5))
                person = int(rng.choice(len(share), p=share[:, day] / share[:, day].sum()))
                key = person if bundled else 1000 * person + day // 5
                keyed = f"{name}-{key}" if rng.random() < function.keyed else ""
                whose = (function.kind, team, name, keyed)
                self._reach(when, whose, float(weight), self.climate.taken_back)
                for _ in range(int(rng.poisson(work.reversed_extra * work.window[day]))):
                    self._reach(when + 0.1, whose, 0.5, 1.0)

    def _feed_down(self, team: str) -> float:
        """Return the day on which the feed of a team goes down: the same for all its projects."""
        number = int(team.rpartition("-")[2])
        if self.climate.silent_days == 0 or number % 4:
            return float(self.days)
        return self.days * (0.3 + 0.4 * (number * 0.618 % 1))

    def _reach(
        self, when: float, whose: tuple[str, str, str, str], weight: float, taken_back: float
    ) -> None:
        if when < self.days:
            self.company.outcomes.append((when, *whose, round(weight, 3)))
        later = when + self.rng.uniform(0.2, 8)
        if self.rng.random() < taken_back and later < self.days:
            self.company.outcomes.append((later, *whose, -round(weight, 3)))


def draw_company(
    seed: int, *, objects: int = 80, weeks: int | None = None, climate: Climate | None = None
) -> Company:
    """Return a company; equal arguments give equal rows.

    Args:
        seed: any number.
        objects: how many projects; an eighth is looked for, a quarter looks like it.
        weeks: of usage, in place of the climate's.
        climate: what they live in.
    """
    lived = climate or Climate()
    maker = _Maker(seed, lived if weeks is None else replace(lived, weeks=weeks))
    rng = maker.rng
    wanted = [
        (kind, float(rng.choice(lived.strengths))) for kind in rng.permutation(list(LOOKED_FOR))
    ]
    plan = wanted[: max(3, objects // 8)]
    benign = rng.permutation(list(LOOKALIKES) * 2)
    plan += [(str(kind), 0.0) for kind in benign[: objects // 4]]
    plan += [("silent", 0.0), ("stopped", 0.0), ("no_feed", 0.0)]
    plan += [("", 0.0)] * (objects - len(plan))
    team, room = 0, 0
    for at, choice in enumerate(rng.permutation(len(plan))):
        kind, strength = plan[choice]
        if room == 0:
            team, room = team + 1, int(rng.integers(2, 6))
        room -= kind != "no_feed"
        name = f"quiet-{at}" if kind == "no_feed" else f"team-{team:03d}"
        maker.project(name, f"p{rng.integers(10**6):06d}-{at}", str(kind), strength)
    maker.calendar_rows()
    return maker.company
