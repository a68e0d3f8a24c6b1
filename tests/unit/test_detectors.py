"""Each detector against a case worked out by hand, and its refusal where there is too little."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from metering.analysis.detectors import composition, level, outcomes, timing
from metering.analysis.detectors.catalogue import CATALOGUE
from metering.analysis.detectors.reading import Reading
from metering.analysis.findings.stakes import benjamini_hochberg

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def _steps(*levels: tuple[int, float]) -> Floats:
    return np.concatenate([np.full(count, value) for count, value in levels])


def _last(count: int, of: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.arange(of) >= of - count


def test_d01_a_doubled_level_stands_seven_floored_deviations_above() -> None:
    weekly = np.expm1(_steps((8, 5.0), (4, 5.7)))

    found = level.robust_level_shift(weekly, _last(4, 12))

    # The baseline is flat, so its spread is the floor of 0.10: (5.7 - 5.0) / 0.10.
    assert found.strength == pytest.approx(7.0)
    assert (found.n_before, found.n_after) == (8, 4)


def test_d02_a_small_lasting_rise_piles_up_and_noise_does_not() -> None:
    noise = np.tile([0.1, -0.1], 5)

    rising = level.cusum(np.concatenate([noise, noise[:6] + 0.4]), _last(6, 16))
    steady = level.cusum(np.concatenate([noise, noise[:6]]), _last(6, 16))

    assert rising.strength is not None
    assert steady.strength is not None
    assert rising.strength > 5 > steady.strength


def test_d03_the_break_is_dated_where_it_is() -> None:
    unit_cost = _steps((9, 2.0), (9, 5.0)) * np.tile([1.0, 1.01], 9)

    found = level.change_point(unit_cost)

    assert (found.n_before, found.n_after) == (9, 9)
    assert found.after == pytest.approx(5.0, rel=0.02)


def test_d04_one_loud_day_is_found_and_a_told_outage_is_not() -> None:
    daily = 100 * np.tile([1.0, 1.05, 0.95, 1.0, 1.1, 0.2, 0.2], 8) * np.tile([1.0, 1.02], 28)
    daily[[20, 50]] *= 40
    masked = np.arange(56) == 20

    found = level.seasonal_outliers(daily, np.arange(56.0) % 7, masked, _last(14, 56))

    assert (found.before, found.after) == (0.0, 1.0)


def test_d05_the_dearest_of_ten_stands_above_all_peers() -> None:
    assert level.peer_percentile(11.0, np.arange(1.0, 11.0)).after == 100.0


def test_d06_the_share_of_the_last_days_is_against_the_objects_own() -> None:
    month = np.repeat([1.0, 2.0, 3.0, 4.0], 20)
    late = np.tile(np.arange(20) >= 15, 4)
    daily = np.where((month == 4) & late, 9.0, 1.0)

    found = timing.period_end(daily, month, late, month == 4)

    assert found.before == pytest.approx(25.0)
    assert found.after == pytest.approx(100 * 45 / 60)


def test_d06_eight_of_eight_just_above_a_round_amount_is_one_chance_in_256() -> None:
    assert timing.bunching(8, 0).strength == pytest.approx(math.log(256))


def test_d07_a_move_into_the_night_is_a_rise_of_the_odds() -> None:
    requests, night = np.full(40, 100.0), _steps((30, 20.0), (10, 50.0))

    found = timing.off_hours(requests, night, _last(10, 40))

    assert [found.before, found.after] == pytest.approx([20.0, 50.0])
    assert found.strength == pytest.approx(math.log(4))


def test_d08_spend_that_grows_a_twentieth_a_week_on_flat_outcomes_creeps() -> None:
    spend = 100 * np.power(1.05, np.arange(16.0))

    found = level.creep(spend, np.full(16, 7.0))

    assert found.after == pytest.approx(5.0)
    assert found.strength == pytest.approx(5.0)


def test_d09_the_exposed_are_compared_with_the_others() -> None:
    others = np.tile(_steps((6, 0.0), (6, 0.1)), (5, 1))

    found = timing.event_study(_steps((6, 0.0), (6, 0.6)), others, 6)

    assert [found.before, found.after] == pytest.approx([0.1, 0.6])


def test_d10_what_the_further_repeats_cost() -> None:
    requests, distinct = np.full(40, 100.0), _steps((30, 90.0), (10, 45.0))

    found = composition.repeats(requests, distinct, np.full(40, 20.0), _last(10, 40))

    # Half of 200 USD: at the usual share the 45 distinct prompts would have made 50 requests.
    assert [found.before, found.after] == pytest.approx([0.10, 0.55])
    assert found.usd == pytest.approx(100.0)


def test_d11_what_the_further_failures_cost() -> None:
    failed = _steps((30, 2.0), (10, 52.0))

    found = composition.failures(np.full(40, 100.0), failed, np.full(40, 20.0), _last(10, 40))

    assert found.usd == pytest.approx(100.0)


def test_d12_what_the_longer_prompts_cost() -> None:
    prompts = _steps((30, 1_000.0), (10, 4_000.0))

    found = composition.prompt_length(prompts, np.ones(40), np.full(40, 8.0), _last(10, 40))

    assert found.usd == pytest.approx(60.0)


def test_d13_misses_cost_the_difference_of_both_prices() -> None:
    cached = _steps((30, 80.0), (10, 20.0))
    fresh = 100 - cached

    found = composition.cache_misses(fresh, cached, 1.0 * fresh, 0.1 * cached, _last(10, 40))

    assert found.usd == pytest.approx(600 * 0.9)


def test_d14_dearer_models_cost_what_they_exceed_the_usual_price() -> None:
    found = composition.dear_models(_steps((30, 1.0), (10, 4.0)), np.ones(40), _last(10, 40))

    assert found.usd == pytest.approx(30.0)


def test_d15_longer_answers_cost_their_further_share() -> None:
    output = _steps((30, 10.0), (10, 20.0))

    found = composition.answer_length(output, np.ones(40), np.full(40, 6.0), _last(10, 40))

    assert found.usd == pytest.approx(30.0)


def test_d16_requests_a_session() -> None:
    found = composition.fan_out(_steps((30, 10.0), (10, 40.0)), np.full(40, 2.0), _last(10, 40))

    assert (found.before, found.after) == (5.0, 20.0)


def test_d17_spend_on_lost_keys_is_against_the_objects_own_past() -> None:
    keys, usd = np.full(10, 4.0), np.full(10, 100.0)
    lost = _steps((6, 1.0), (4, 3.0))

    found = composition.lost_work(keys, lost, usd, 25 * lost, _last(4, 10))

    assert (found.before, found.after) == (0.25, 0.75)
    assert found.usd == pytest.approx(200.0)


def test_d18_the_largest_share_is_not_told_below_five_people() -> None:
    top = _steps((6, 0.3), (4, 0.6))

    assert composition.concentration(np.full(10, 6.0), top, _last(4, 10)).strength == (
        pytest.approx(30.0)
    )
    few = composition.concentration(np.full(10, 4.0), top, _last(4, 10))
    assert (few.before, few.after, few.refused) == (None, None, "fewer than 5 people")
    nine = composition.concentration(np.full(10, 9.0), top, _last(4, 10), fewest=10)
    assert (nine.before, nine.refused) == (None, "fewer than 10 people")


def test_d21_outcomes_that_grow_as_the_root_of_spend() -> None:
    spend = np.repeat([100.0, 200.0, 400.0, 800.0, 1600.0], 4)

    found = outcomes.elasticity_of_outcomes(spend, np.sqrt(spend))

    assert found.after == pytest.approx(0.5)


def test_d22_further_spend_that_bought_a_tenth_of_what_it_did() -> None:
    found = outcomes.marginal_outcomes((100.0, 300.0), (10.0, 12.0), (100, 120))

    assert [found.before, found.after] == pytest.approx([0.1, 0.01])


def test_d22_refuses_where_spend_did_not_rise() -> None:
    assert outcomes.marginal_outcomes((100.0, 105.0), (10.0, 12.0), (100, 120)).refused


def test_d23_more_outcomes_that_are_taken_back() -> None:
    events, back = _steps((30, 1.0), (10, 3.0)), _steps((30, 0.0), (10, 1.5))

    found = outcomes.outcome_gaming(events, events, back, _last(10, 40))

    assert (found.before, found.after) == (0.0, 0.5)
    assert found.strength == pytest.approx(0.5)


def test_d25_a_showcase_is_dear_young_and_used_by_few() -> None:
    index = outcomes.vanity(95.0, 5.0, 2.0, 13, 2.0).strength

    assert index == pytest.approx(90.0 * 2.0 * 1.0)
    assert outcomes.vanity(95.0, 5.0, 2.0, 13, 12.0).refused


_NOTHING = np.zeros(3)
_NONE = np.zeros(3, np.bool_)


@pytest.mark.parametrize(
    "read",
    [
        lambda: level.robust_level_shift(_NOTHING, _NONE),
        lambda: level.cusum(_NOTHING, _NONE),
        lambda: level.change_point(_NOTHING),
        lambda: level.seasonal_outliers(_NOTHING, _NOTHING, _NONE, _NONE),
        lambda: level.peer_percentile(1.0, _NOTHING),
        lambda: level.creep(_NOTHING, _NOTHING),
        lambda: timing.period_end(_NOTHING, _NOTHING, _NONE, _NONE),
        lambda: timing.bunching(3, 1),
        lambda: timing.off_hours(_NOTHING, _NOTHING, _NONE),
        lambda: timing.event_study(_NOTHING, _NOTHING[None, :], 1),
        lambda: composition.repeats(_NOTHING, _NOTHING, _NOTHING, _NONE),
        lambda: composition.lost_work(_NOTHING, _NOTHING, _NOTHING, _NOTHING, _NONE),
        lambda: composition.concentration(_NOTHING, _NOTHING, _NONE),
        lambda: outcomes.elasticity_of_outcomes(_NOTHING, _NOTHING),
        lambda: outcomes.outcome_gaming(_NOTHING, _NOTHING, _NOTHING, _NONE),
    ],
)
def test_too_little_is_said_and_not_guessed(read: Callable[[], Reading]) -> None:
    found = read()

    assert " of " in found.refused
    assert (found.strength, found.usd) == (None, None)


def test_the_catalogue_has_every_detector_once() -> None:
    numbers = [detector.number for detector in CATALOGUE]

    assert numbers == [f"D{n:02d}" for n in range(1, 26) if n != 19]


def test_benjamini_hochberg_by_hand() -> None:
    found = benjamini_hochberg(np.array([0.04, 0.01, 0.30, 0.02]))

    # 0.01 x 4/1, 0.02 x 4/2, 0.04 x 4/3, 0.30: made to fall from the last.
    assert found.tolist() == pytest.approx([0.16 / 3, 0.04, 0.30, 0.04])
