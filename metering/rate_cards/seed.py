"""Build `list.jsonl`, the list prices that ship with the package, from installed genai-prices.

Run it as `python -m metering.rate_cards.seed`; the same catalogue gives the same bytes. The
catalogue is read, never asked for a price: dated and hourly prices, prompt tiers and variants are
unfolded into rows, one per meter, and every safe name of a model into an alias. What our meters
or conditions cannot say exactly is left out and counted, never approximated.

Source: pricing specification, "Seeding and updating list prices". Prices: genai-prices, MIT, see
LICENSE.genai-prices.
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from genai_prices import data as catalogue
from genai_prices.types import ModelInfo, Provider

from metering.rate_cards.seed_names import Name, canonical_name, names_of
from metering.rate_cards.seed_prices import Row, left_out, rows_of, tokens_only
from metering.resources import rate_cards_dir


@dataclass(frozen=True, slots=True)
class Source:
    """One provider of the catalogue, and what we call it.

    Attributes:
        catalogue_id: the provider in the catalogue.
        provider, platform: ours.
        prefixes: expressions of what gateways and SDKs put before a model's name here; taking one
            off guesses nothing, what remains must be a name by itself.
        borrows: another provider of the catalogue whose models are sold here at the same token
            prices; the catalogue says so.
    """

    catalogue_id: str
    provider: str
    platform: str
    prefixes: tuple[str, ...] = ()
    borrows: str = ""


# DeepSeek is not among them: its prices change at instants and by the weekday, so that the overlay
# tells its whole history.
SOURCES: Final = (
    Source("anthropic", "anthropic", "anthropic-api", ("anthropic/",)),
    # An inference profile of the system carries the id in its ARN; one of the customer does not.
    Source(
        "aws",
        "aws",
        "bedrock",
        (
            "bedrock/",
            "arn:aws:bedrock:[a-z0-9-]+:[0-9]*:inference-profile/",
            "arn:aws:bedrock:[a-z0-9-]+:[0-9]*:foundation-model/",
        ),
    ),
    Source("azure", "azure", "azure-openai", ("azure/",), borrows="openai"),
    Source("cerebras", "cerebras", "cerebras-api", ("cerebras/",)),
    Source("cohere", "cohere", "cohere-api", ("cohere/",)),
    Source("fireworks", "fireworks", "fireworks-api", ("fireworks_ai/",)),
    Source("google", "google", "gemini-api", ("gemini/", "models/")),
    Source("google", "google", "vertex-ai", ("publishers/[a-z-]+/models/", "vertex_ai/")),
    Source("groq", "groq", "groq-api", ("groq/",)),
    Source("mistral", "mistral", "mistral-api", ("mistral/",)),
    Source("moonshotai", "moonshotai", "moonshotai-api", ("moonshot/",)),
    Source("openai", "openai", "openai-api", ("openai/",)),
    Source("openrouter", "openrouter", "openrouter-api", ("openrouter/",)),
    Source("perplexity", "perplexity", "perplexity-api"),
    Source("together", "together", "together-api", ("together_ai/",)),
    Source("voyageai", "voyage", "voyage-api", ("voyage/",)),
    Source("x-ai", "xai", "xai-api", ("xai/",)),
    Source("zai", "zai", "zai-api", ("zai/",)),
)

# A first-party card does not hold what its catalogue page copied from a reseller.
_UNVERIFIED: Final = (
    "Imported from OpenRouter",
    "Seen on OpenRouter before",
    "just trusting open router",
)

# The overlay tells these from their first day on; a row without a beginning would hide that.
_TOLD_BY_OVERLAY: Final = {("mistral", "mistral-ocr-latest")}


def build() -> tuple[str, Counter[str]]:
    """Return the text of `list.jsonl`, and how many prices of each kind were left out."""
    lines: set[str] = set()
    skipped: Counter[str] = Counter()
    for source in SOURCES:
        for owner, model in _models(source):
            rates, problems = _rates(source, owner, model)
            skipped.update(problems)
            if rates:
                lines.update(_line({"rate": row}) for row in rates)
        lines.update(_line({"alias": row}) for row in _aliases(source))
    return "".join(f"{line}\n" for line in (_line({"card": _card()}), *sorted(lines))), skipped


def main() -> None:
    """Write the file and say what was left out."""
    text, skipped = build()
    path = rate_cards_dir() / "list.jsonl"
    path.write_text(text, encoding="utf-8", newline="\n")
    kinds = Counter(line.split('"')[1] for line in text.splitlines())
    sys.stdout.write(f"{path.name}: {kinds['rate']} rates, {kinds['alias']} aliases\n")
    for reason, count in sorted(skipped.items()):
        sys.stdout.write(f"  left out: {count} x {reason}\n")


def _card() -> Row:
    digest = hashlib.sha256(Path(catalogue.__file__).read_bytes()).hexdigest()
    return {
        "name": "list-genai-prices",
        "kind": "list",
        "currency": "USD",
        "scope": "all",
        "source_name": "genai-prices",
        "source_version": version("genai-prices"),
        "source_sha256": digest,
        "licence": "MIT",
        "notice": "Copyright (c) Pydantic Services Inc. 2025 to present",
    }


def _provider(catalogue_id: str) -> Provider:
    return next(found for found in catalogue.providers if found.id == catalogue_id)


def _models(source: Source) -> Iterator[tuple[Provider, ModelInfo]]:
    """Yield what a platform sells: its own models, then those it borrows and has not itself."""
    own = _provider(source.catalogue_id)
    known: set[str] = set()
    for model in own.models:
        # What Google sells for others is on Vertex AI alone.
        if source.platform == "gemini-api" and (
            model.id.startswith("claude") or model.id.endswith("-maas")
        ):
            continue
        known |= {canonical_name(own, model), *(name.raw for name in names_of(own, model))}
        yield own, model
    if source.borrows:
        lender = _provider(source.borrows)
        for model in lender.models:
            if canonical_name(lender, model) not in known:
                yield lender, model


def _rates(source: Source, owner: Provider, model: ModelInfo) -> tuple[list[Row], list[str]]:
    if (owner.id, model.id) in _TOLD_BY_OVERLAY:
        return [], []
    comments = model.price_comments or ""
    verified = "Verified against" in comments or not any(
        phrase in comments for phrase in _UNVERIFIED
    )
    if owner.id != "openrouter" and not verified:
        return [], [f"{owner.id} model copied from a reseller"]
    rows = list(rows_of(owner, model))
    problems = left_out(owner, model)
    note = ""
    if owner.id != source.catalogue_id:
        rows = [row for row in rows if tokens_only(row)]
        note = f"{owner.name}'s list; Global deployments"
    head: Row = {
        "provider": source.provider,
        "platform": source.platform,
        "model_match": canonical_name(owner, model),
        "match_kind": "exact",
    }
    tail: Row = {"source_url": (owner.pricing_urls or [""])[0], "evidence": "catalog"}
    return [_with_note({**head, **row, **tail}, note) for row in rows], problems


def _with_note(row: Row, note: str) -> Row:
    notes = [text for text in (str(row.pop("note", "")), note) if text]
    return {**row, "note": "; ".join(notes)} if notes else row


def _aliases(source: Source) -> Iterator[Row]:
    for prefix in source.prefixes:
        yield _alias(source, Name(f"{prefix}(.+)", "pattern"), r"\1")
    taken: dict[str, str] = {}
    for owner, model in _models(source):
        canonical = canonical_name(owner, model)
        for name in names_of(owner, model):
            # Two models of a catalogue may list one name; the first is the one it resolves to.
            if taken.setdefault(name.raw, canonical) == canonical:
                yield _alias(source, name, canonical)


def _alias(source: Source, name: Name, canonical: str) -> Row:
    row: Row = {
        "provider": source.provider,
        "platform": source.platform,
        "raw": name.raw,
        "match_kind": name.match_kind,
        "canonical_model": canonical,
    }
    if name.endpoint_scope:
        row["dimensions"] = {"endpoint_scope": name.endpoint_scope}
    return row


def _line(record: Mapping[str, object]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    main()
