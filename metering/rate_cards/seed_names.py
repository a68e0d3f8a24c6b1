"""The names under which a provider's logs mention a model of the genai-prices catalogue.

The catalogue recognises models by prefix and by substring, so that a model which does not exist
yet would be given the price of another. Here a name is taken over only if it is written out (an
exact alias), or is such a name followed by a date or a version (an anchored pattern); and only if
the catalogue itself resolves it to that model. Unpriced beats wrong.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseStartsWith,
    MatchLogic,
    ModelInfo,
    Provider,
)

_YEARS: Final = range(2023, 2028)
_DATES: Final = (("-{}0514", r"-{}\d{{4}}"), ("@{}0514", r"@{}\d{{4}}"))
_DASHED_DATES: Final = (("-{}-05-14", r"-{}-\d{{2}}-\d{{2}}"),)
# Google numbers its stable models and dates its previews: without a year, or with the year last.
_GEMINI_FORMS: Final = (
    (("-001", "-002", "-003"), r"-\d{3}"),
    (("-preview-04-17", "-preview-09-25"), r"-preview-\d{2}-\d{2}"),
    (("-preview-06-2025", "-preview-09-2026"), r"-preview-\d{2}-\d{4}"),
)
_GEMINI_PREVIEW_FORMS: Final = (
    (("-04-17", "-09-25"), r"-\d{2}-\d{2}"),
    (("-06-2025", "-09-2026"), r"-\d{2}-\d{4}"),
)
_DATED: Final = re.compile(r"\d{8}$|\d{4}-\d{2}-\d{2}$|-latest$|-\d{4}$|-\d{3}$|-\d{2}-\d{2}$")
_DASHED_DATE_END: Final = re.compile(r"-(20\d{2})-(\d{2})-(\d{2})$")

# Where Bedrock runs a request, by the prefix of the id; GovCloud has a price list of its own.
_BEDROCK_PREFIXES: Final = {
    "geo": ("us", "eu", "apac", "jp", "au", "ca", "in"),
    "global": ("global",),
    "in_region": ("",),
}
_BEDROCK_VERSION: Final = r"(-v\d+(:\d+)?)?"
_BEDROCK_VENDOR: Final = re.compile(r"^[a-z0-9]+\.[a-z]")


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """A raw model id, or the pattern of some.

    Attributes:
        raw: the id, or a regular expression that matches the whole of it.
        match_kind: exact or pattern.
        endpoint_scope: what the id says of where the request ran; "" for nothing.
    """

    raw: str
    match_kind: str
    endpoint_scope: str = ""


def canonical_name(provider: Provider, model: ModelInfo) -> str:
    """Return the model's catalogue id, without what tells endpoints and versions apart."""
    if provider.id == "aws":
        stems = [_bedrock_stem(other) for other in provider.models]
        scope, stem = _bedrock_stem(model)
        # Where the version alone tells two models apart, it is part of the name.
        return stem if stems.count((scope, stem)) == 1 else model.id
    without_latest = model.id.removesuffix("-latest")
    if _is_resolved_to(provider, model, without_latest):
        return without_latest
    return model.id


def names_of(provider: Provider, model: ModelInfo) -> Iterator[Name]:
    """Yield every safe name of a model but its canonical one."""
    if provider.id == "aws":
        yield from _bedrock_names(provider, model)
        return
    is_ours = partial(_is_resolved_to, provider, model)
    canonical = canonical_name(provider, model)
    written = {name for name in _written_names(model) if is_ours(name)}
    for name in sorted(written | {canonical}):
        if name != canonical:
            yield Name(name, "exact")
        compact = _DASHED_DATE_END.sub(r"-\1\2\3", name)
        if compact not in written | {canonical}:
            yield Name(compact, "exact")
        if suffix := _dated_suffix(name, is_ours):
            yield Name(_literal(name) + suffix, "pattern")


def _dated_suffix(name: str, is_ours: Callable[[str], bool]) -> str:
    """Return the pattern of the dates and versions that may follow a name, or ""."""
    if _DATED.search(name) or name.startswith("ft:") or ".ft-" in name:
        return ""
    forms = [
        form
        for sample, pattern in (*_DATES, *_DASHED_DATES)
        if (form := _years_form(name, sample, pattern, is_ours))
    ]
    if name.startswith("gemini"):
        gemini = _GEMINI_PREVIEW_FORMS if name.endswith("-preview") else _GEMINI_FORMS
        forms += [form for ends, form in gemini if all(is_ours(name + end) for end in ends)]
    return f"({'|'.join(forms)})" if forms else ""


def _years_form(name: str, sample: str, pattern: str, is_ours: Callable[[str], bool]) -> str:
    years = [str(year) for year in _YEARS if is_ours(name + sample.format(year))]
    if len(years) == len(_YEARS):
        return pattern.format(r"20\d{2}").replace(r"20\d{2}\d{4}", r"20\d{6}")
    return "|".join(pattern.format(year) for year in years)


def _bedrock_names(provider: Provider, model: ModelInfo) -> Iterator[Name]:
    """Yield one pattern per endpoint scope: prefix, model, and optionally its version."""
    base = canonical_name(provider, model)
    if not _BEDROCK_VENDOR.match(base):
        return
    for scope in _bedrock_scopes(model):
        prefixes = [
            f"{prefix}." if prefix else ""
            for prefix in _BEDROCK_PREFIXES[scope]
            if _is_bedrock_id(provider, model, f"{prefix}.{base}".lstrip("."))
        ]
        if prefixes:
            start = f"({'|'.join(map(_literal, prefixes))})" if prefixes != [""] else ""
            said = scope if endpoint_scopes(model) else ""
            yield Name(f"{start}{_literal(base)}{_BEDROCK_VERSION}", "pattern", said)


def endpoint_scopes(model: ModelInfo) -> tuple[str, ...]:
    """Return the endpoint scopes a Bedrock model's prices hold for; none if all are alike."""
    if model.id.startswith("global."):
        return ("global",)
    return ("geo", "in_region") if model.id.startswith("regional.") else ()


def _bedrock_stem(model: ModelInfo) -> tuple[str, str]:
    scope = re.match(r"(global|regional)\.|", model.id)
    start = scope[0] if scope else ""
    return start, re.sub(r"-v\d+(:\d+)?$|:\d+$", "", model.id.removeprefix(start))


def _bedrock_scopes(model: ModelInfo) -> tuple[str, ...]:
    return endpoint_scopes(model) or ("geo", "in_region")


def _is_bedrock_id(provider: Provider, model: ModelInfo, name: str) -> bool:
    # Some clauses name an id only with its version.
    versions = ("", "-v1", "-v1:0")
    return any(_is_resolved_to(provider, model, f"{name}{version}") for version in versions)


def _written_names(model: ModelInfo) -> set[str]:
    stems = {stem.strip("-@/.") for stem in _stems(model.match)}
    # A stem such as claude-sonnet-4-2025 is the beginning of a date, not a name.
    return {model.id} | {stem for stem in stems if not re.search(r"-(20\d\d|0)$", stem)}


def _stems(clause: MatchLogic) -> Iterator[str]:
    match clause:
        case ClauseOr(or_=parts) | ClauseAnd(and_=parts):
            for part in parts:
                yield from _stems(part)
        case ClauseEquals(equals=text) | ClauseStartsWith(starts_with=text):
            yield text
        case ClauseContains(contains=text) | ClauseEndsWith(ends_with=text):
            yield text
        case _:
            return


def _is_resolved_to(provider: Provider, model: ModelInfo, raw: str) -> bool:
    """Say whether a name means a model; the first that matches does, which is the catalogue's rule.

    The model is asked before all the others of its provider, which takes far less time.
    """
    text = raw.lower()
    if not model.is_match(text):
        return False
    return next(found for found in provider.models if found.is_match(text)) is model


def _literal(text: str) -> str:
    return re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", text)
