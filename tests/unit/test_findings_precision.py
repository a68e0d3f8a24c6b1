"""Precision at k: of the first k by rank that were decided, how many were confirmed."""

from fractions import Fraction

from metering.analysis.findings.precision import Decided, precision_at


def test_only_the_first_places_count_and_what_was_never_listed_does_not() -> None:
    answers = [(1, True), (2, False), (3, True), (0, True)]

    found = precision_at(2, [Decided(place, is_confirmed=said) for place, said in answers])

    assert (found.decided, found.confirmed, found.share) == (2, 1, Fraction(1, 2))


def test_a_list_that_is_often_wrong_asks_for_more_money_up_to_four_times() -> None:
    def factor(confirmed: int, decided: int) -> Fraction:
        answers = [Decided(1, is_confirmed=at < confirmed) for at in range(decided)]
        return precision_at(20, answers).factor

    assert factor(6, 10) == 1
    assert factor(3, 10) == 2
    assert factor(5, 11) == Fraction(3, 5) / Fraction(5, 11)
    assert factor(0, 10) == 4
    assert factor(0, 9) == 1  # too few to tell


def test_nothing_is_said_of_a_list_that_nobody_answered() -> None:
    assert precision_at(20, []).share is None
