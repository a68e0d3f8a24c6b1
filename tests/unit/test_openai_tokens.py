"""OpenAI's counts come apart without losing or doubling a token."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.meters import Meter
from metering.ingest.formats.openai_tokens import completion_meters
from metering.ingest.values.fields import FieldRefused, Fields

counts = st.integers(0, 10**12)
parts = st.tuples(counts, counts, counts)


def names(prefix: str, values: tuple[int, int, int]) -> dict[str, object]:
    kinds = ("text", "audio", "image")
    return {f"{prefix}_{kind}_tokens": value for kind, value in zip(kinds, values, strict=True)}


@given(uncached=parts, cached=parts, written=counts, output=parts)
def test_parts_that_add_up_are_split_by_modality(
    uncached: tuple[int, int, int],
    cached: tuple[int, int, int],
    written: int,
    output: tuple[int, int, int],
) -> None:
    row: dict[str, object] = {
        "input_tokens": sum(uncached) + sum(cached) + written,
        "input_cached_tokens": sum(cached),
        "input_cache_write_tokens": written,
        "input_uncached_tokens": sum(uncached),
        "output_tokens": sum(output),
        **names("input", uncached),
        **names("input_cached", cached),
        **names("output", output),
    }

    found = completion_meters(Fields(row))

    assert found.modality is None
    assert found.quantities == {
        Meter.INPUT_UNCACHED: uncached[0],
        Meter.INPUT_AUDIO_UNCACHED: uncached[1],
        Meter.INPUT_IMAGE_UNCACHED: uncached[2],
        Meter.CACHE_READ: cached[0],
        Meter.CACHE_READ_AUDIO: cached[1],
        Meter.CACHE_READ_IMAGE: cached[2],
        Meter.CACHE_WRITE_30M: written,
        Meter.OUTPUT: output[0],
        Meter.OUTPUT_AUDIO: output[1],
        Meter.OUTPUT_IMAGE: output[2],
    }


OPTIONAL = (
    "input_cache_write_tokens",
    "input_cache_write_30m_tokens",
    "input_cache_write_12h_tokens",
    "input_cached_tokens",
    "input_uncached_tokens",
    *names("input", (0, 0, 0)),
    *names("input_cached", (0, 0, 0)),
    *names("output", (0, 0, 0)),
)


@given(
    total=st.integers(0, 50),
    output=st.integers(0, 50),
    others=st.dictionaries(st.sampled_from(OPTIONAL), st.integers(0, 20)),
)
def test_whatever_a_row_says_its_meters_sum_to_its_totals(
    total: int, output: int, others: dict[str, int]
) -> None:
    row = Fields({"input_tokens": total, "output_tokens": output, **others})

    with suppress(FieldRefused):
        assert sum(completion_meters(row).quantities.values()) == total + output


@pytest.mark.parametrize(
    "written",
    [
        {"input_cache_write_tokens": 100, "input_cache_write_12h_tokens": 200},
        {"input_cache_write_30m_tokens": 100, "input_cache_write_12h_tokens": 200},
        {
            "input_cache_write_tokens": 300,
            "input_cache_write_30m_tokens": 100,
            "input_cache_write_12h_tokens": 200,
        },
    ],
)
def test_what_is_kept_for_half_a_day_is_a_meter_of_its_own(written: dict[str, object]) -> None:
    row = {"input_tokens": 1000, "input_cached_tokens": 300, "output_tokens": 50, **written}

    found = completion_meters(Fields({**row, "input_uncached_tokens": 400}))

    assert found.quantities == {
        Meter.INPUT_UNCACHED: 400,
        Meter.CACHE_READ: 300,
        Meter.CACHE_WRITE_30M: 100,
        Meter.CACHE_WRITE_12H: 200,
        Meter.OUTPUT: 50,
    }


def test_counts_without_modalities_are_text() -> None:
    row = {"input_tokens": 1000, "input_cached_tokens": 300, "output_tokens": 50}

    found = completion_meters(Fields({**row, "input_audio_tokens": 0}))

    assert found.modality is None
    assert found.quantities == {
        Meter.INPUT_UNCACHED: 700,
        Meter.CACHE_READ: 300,
        Meter.OUTPUT: 50,
    }


def test_audio_that_cannot_be_told_from_text_is_not_priced_as_text() -> None:
    # By the older definition the audio part holds the cached audio too.
    row = {
        "input_tokens": 1000,
        "input_cached_tokens": 300,
        "output_tokens": 50,
        **names("input", (520, 480, 0)),
        **names("input_cached", (120, 180, 0)),
    }

    found = completion_meters(Fields(row))

    assert found.modality == "mixed"
    assert found.quantities == {
        Meter.INPUT_UNCACHED: 700,
        Meter.CACHE_READ: 300,
        Meter.OUTPUT: 50,
    }


@pytest.mark.parametrize(
    ("counts_given", "code", "field"),
    [
        ({"input_cached_tokens": 11}, "cached-exceeds-input", "input_cached_tokens"),
        (
            {"input_cached_tokens": 6, "input_cache_write_tokens": 5},
            "cached-exceeds-input",
            "input_cache_write_tokens",
        ),
        (
            {"input_cache_write_tokens": 5, "input_cache_write_30m_tokens": 3},
            "tokens-do-not-add-up",
            "input_cache_write_tokens",
        ),
        (
            {"input_cache_write_tokens": 6, "input_cache_write_12h_tokens": 5},
            "cached-exceeds-input",
            "input_cache_write_tokens",
        ),
        ({"input_uncached_tokens": 9}, "tokens-do-not-add-up", "input_uncached_tokens"),
        ({"input_audio_tokens": "1"}, "bad-quantity", "input_audio_tokens"),
    ],
)
def test_a_part_that_exceeds_the_whole_is_refused(
    counts_given: dict[str, object], code: str, field: str
) -> None:
    with pytest.raises(FieldRefused) as caught:
        completion_meters(Fields({"input_tokens": 10, "output_tokens": 1, **counts_given}))

    assert (caught.value.code, caught.value.field) == (code, field)
