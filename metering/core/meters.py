"""The meters: measured quantities that never overlap.

A cached token is not also an input token, and reasoning lies inside output. Whatever a provider
counts together, an ingestor takes apart, so that the sum of a record's meters is what was used
and each is priced exactly once.

Source: pricing specification, "Data model", meters.
"""

from enum import StrEnum
from typing import Final


class Meter(StrEnum):
    """A quantity that a rate may price, in whole units.

    Tokens come in four modalities: text (no suffix), audio, image and video.
    """

    INPUT_UNCACHED = "input_uncached"
    CACHE_READ = "cache_read"
    CACHE_WRITE_5M = "cache_write_5m"
    CACHE_WRITE_30M = "cache_write_30m"
    CACHE_WRITE_1H = "cache_write_1h"
    CACHE_WRITE_12H = "cache_write_12h"
    CACHE_WRITE_UNKNOWN = "cache_write_unknown"
    OUTPUT = "output"

    INPUT_AUDIO_UNCACHED = "input_audio_uncached"
    CACHE_READ_AUDIO = "cache_read_audio"
    OUTPUT_AUDIO = "output_audio"
    INPUT_IMAGE_UNCACHED = "input_image_uncached"
    CACHE_READ_IMAGE = "cache_read_image"
    OUTPUT_IMAGE = "output_image"
    INPUT_VIDEO_UNCACHED = "input_video_uncached"
    CACHE_READ_VIDEO = "cache_read_video"
    OUTPUT_VIDEO = "output_video"
    CACHE_WRITE_AUDIO = "cache_write_audio"
    CACHE_WRITE_IMAGE = "cache_write_image"
    CACHE_WRITE_VIDEO = "cache_write_video"

    CACHE_STORAGE_TOKEN_HOUR = "cache_storage_token_hour"  # noqa: S105 - a meter, not a secret
    WEB_SEARCH = "web_search"
    GROUNDED_PROMPT = "grounded_prompt"
    GROUNDED_QUERY = "grounded_query"
    FILE_SEARCH = "file_search"
    CODE_EXECUTION_HOUR = "code_execution_hour"
    CODE_INTERPRETER_SESSION = "code_interpreter_session"
    CONTAINER_MINUTE = "container_minute"
    REQUEST = "request"
    RERANK_SEARCH = "rerank_search"
    DOCUMENT_PAGE = "document_page"
    AUDIO_SECOND = "audio_second"
    CHARACTER = "character"
    IMAGE = "image"
    VIDEO_SECOND = "video_second"
    VECTOR_STORE_BYTE_DAY = "vector_store_byte_day"
    TRAINING_TOKEN = "training_token"  # noqa: S105 - a meter, not a secret
    TRAINING_HOUR = "training_hour"
    CAPACITY_UNIT_HOUR = "capacity_unit_hour"
    SEAT_MONTH = "seat_month"
    CREDIT = "credit"
    CREDIT_MICRO = "credit_micro"  # a millionth, for exports that state fractions of credits
    BILLED_NANOS = "billed_nanos"  # what a provider's own bill says, in nanos: each costs one nano


# Every usage record has a column for each of these; any other meter stands in `other_meters`.
TOKEN_METERS: Final = (
    Meter.INPUT_UNCACHED,
    Meter.CACHE_READ,
    Meter.CACHE_WRITE_5M,
    Meter.CACHE_WRITE_30M,
    Meter.CACHE_WRITE_1H,
    Meter.CACHE_WRITE_UNKNOWN,
    Meter.OUTPUT,
)

# The classes whose sum is the prompt of one request: what decides a prompt tier.
PROMPT_METERS: Final = frozenset(
    meter for meter in Meter if meter.startswith(("input_", "cache_read", "cache_write"))
)
