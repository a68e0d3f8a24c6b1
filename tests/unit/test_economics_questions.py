"""Every question finance asks about AI spend has an answer in the product."""

import re
from importlib import import_module

import pytest

from metering.analysis.economics.questions import ANALYSES, QUESTIONS, Question


@pytest.mark.parametrize("name", [name for names in ANALYSES.values() for name in names])
def test_an_analysis_is_a_function_that_says_what_it_returns(name: str) -> None:
    module, _, function = name.rpartition(".")

    assert getattr(import_module(module), function).__doc__


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.about))
def test_a_question_is_answered_by_what_there_is(question: Question) -> None:
    assert question.asked.endswith("?")
    assert question.answers
    for answer in question.answers:
        assert answer in ANALYSES or re.fullmatch(r"D(0[1-9]|1\d|2[0-6])", answer)


def test_every_analysis_answers_a_question() -> None:
    asked = {answer for question in QUESTIONS for answer in question.answers}

    assert set(ANALYSES) <= asked
    assert sorted(ANALYSES) == sorted(f"E{number}" for number in range(1, 12))
