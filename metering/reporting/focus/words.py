"""What the FOCUS columns say in words: who bills, which service, which SKU, in which unit.

Source: FOCUS 1.2, "Columns"; the examples of the 1.5 draft for tokens (SkuMeter, TokenDirection,
TokenCacheAction), whose keys stand in SkuPriceDetails with `x_` until they are ratified.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from metering.core.ledger import Basis
from metering.core.meters import Meter
from metering.reporting.words import meter_label, meter_unit

# Who a bill comes from, as it calls itself.
_ISSUERS: Final = {
    "anthropic": "Anthropic",
    "aws": "AWS",
    "azure": "Microsoft",
    "cohere": "Cohere",
    "cursor": "Cursor",
    "deepseek": "DeepSeek",
    "github": "GitHub",
    "google": "Google Cloud",
    "groq": "Groq",
    "mistral": "Mistral AI",
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
    "own": "Own capacity",
    "salesforce": "Salesforce",
    "xai": "xAI",
}
_SERVICES: Final = {
    "anthropic-api": "Claude API",
    "azure-openai": "Azure OpenAI",
    "bedrock": "Amazon Bedrock",
    "chatgpt": "ChatGPT",
    "cohere-api": "Cohere API",
    "copilot": "GitHub Copilot",
    "cursor": "Cursor",
    "deepseek-api": "DeepSeek API",
    "gemini-api": "Gemini API",
    "groq-api": "Groq API",
    "mistral-api": "Mistral API",
    "openai-api": "OpenAI API",
    "openrouter-api": "OpenRouter API",
    "own-capacity": "Own capacity",
    "vertex-ai": "Vertex AI",
    "xai-api": "xAI API",
}

# How the names of a family's models begin, behind regions and makers: family and its maker.
_FAMILIES: Final = (
    (r"claude", "Claude", "Anthropic"),
    (r"gpt|chatgpt|text-embedding-(?:3|ada)|whisper|dall-e|sora", "GPT", "OpenAI"),
    (r"o[1-9](?:-|$)", "o", "OpenAI"),
    (r"gemini|text-embedding-0|gemma", "Gemini", "Google"),
    (r"deepseek", "DeepSeek", "DeepSeek"),
    (r"grok", "Grok", "xAI"),
    (r"(?:meta-)?llama", "Llama", "Meta"),
    (r"mistral|ministral|magistral|codestral|devstral|mixtral|pixtral", "Mistral", "Mistral AI"),
    (r"command|embed-|rerank", "Command", "Cohere"),
    (r"nova|titan", "Nova", "Amazon"),
    (r"qwen", "Qwen", "Alibaba"),
)
_BEGINS: Final = tuple(
    (re.compile(rf"(?:^|[./])(?:{begins})"), family, maker) for begins, family, maker in _FAMILIES
)
_DATED: Final = re.compile(r"(20\d\d-?[01]\d-?[0-3]\d)(?:$|[-:@])")

_SKU_METERS: Final = {
    Meter.BILLED_NANOS: "Billed Amount",
    Meter.INPUT_UNCACHED: "Input Tokens",
    Meter.CACHE_READ: "Cache Read Input Tokens",
    Meter.CACHE_WRITE_5M: "Cache Write Input Tokens, 5 Minutes",
    Meter.CACHE_WRITE_30M: "Cache Write Input Tokens, 30 Minutes",
    Meter.CACHE_WRITE_1H: "Cache Write Input Tokens, 1 Hour",
    Meter.CACHE_WRITE_12H: "Cache Write Input Tokens, 12 Hours",
    Meter.CACHE_WRITE_UNKNOWN: "Cache Write Input Tokens",
    Meter.OUTPUT: "Output Tokens",
}
_USUAL: Final = frozenset({"default", "standard", "global", "not_available", "0-200k", "on_demand"})


@dataclass(frozen=True, slots=True)
class Sku:
    """What was priced, as FOCUS names it.

    Attributes:
        sku_id, price_id: the model and class of tokens; the same with the tier and the rate.
        meter: what was counted, in words.
        consumed_unit: the unit of a raw quantity.
        details: canonical flat JSON, our own keys with `x_`.
    """

    sku_id: str
    price_id: str
    meter: str
    consumed_unit: str
    details: str


def issuer_name(provider: str) -> str:
    """Return who issues a provider's invoices; the name itself for one we do not know."""
    return _ISSUERS.get(provider, provider)


def service_name(platform: str) -> str:
    """Return the service a platform stands for; the name itself for one we do not know."""
    return _SERVICES.get(platform, platform)


def model_maker(basis: Basis) -> str:
    """Return who develops the model, or who bills where its name does not tell."""
    found = _family(basis.model or basis.model_raw)
    return found[1] if found else issuer_name(basis.provider)


def sku_of(basis: Basis) -> Sku:
    """Return the SKU of a basis; its price id tells tiers and rates apart."""
    model = basis.model or basis.model_raw or basis.platform
    sku_id = f"{model}-{basis.meter.replace('_', '-')}"
    conditions: Mapping[str, object] = json.loads(basis.conditions)
    tier = "-".join(
        str(value) for _, value in sorted(conditions.items()) if str(value) not in _USUAL
    )
    rate = f"-{basis.rate_ids[0]}" if basis.rate_ids else ""
    return Sku(
        sku_id=sku_id,
        price_id=f"{sku_id}-{tier or 'standard'}{rate}",
        meter=_SKU_METERS[Meter(basis.meter)]
        if basis.meter in _SKU_METERS
        else meter_label(basis.meter),
        consumed_unit=unit_name(basis.meter),
        details=_details(basis, conditions),
    )


def unit_name(meter: str) -> str:
    """Return the unit of a meter as FOCUS writes one: capitalised, plural, without spaces."""
    unit = meter_unit(meter) or "units"
    return "-".join(part.capitalize() for part in re.split(r"[ -]", unit))


def pricing_unit(meter: str, per: int) -> str:
    """Return the unit that a price is for: "1000000 Tokens", "Requests", "31 Seat Days"."""
    # The unit format knows no hyphen behind a number.
    return unit_name(meter) if per == 1 else f"{per} {unit_name(meter).replace('-', ' ')}"


def canonical_json(values: Mapping[str, object]) -> str | None:
    """Return a flat object as canonical JSON, without what is empty; None for nothing."""
    said = {name: value for name, value in values.items() if value not in (None, "")}
    return json.dumps(said, sort_keys=True, ensure_ascii=False) if said else None


def _family(model: str) -> tuple[str, str] | None:
    for begins, family, maker in _BEGINS:
        if begins.search(model):
            return family, maker
    return None


def _details(basis: Basis, conditions: Mapping[str, object]) -> str:
    model = basis.model or basis.model_raw
    family = _family(model)
    dated = _DATED.search(basis.model_raw or model)
    direction, cache = _token_class(basis.meter)
    ours: dict[str, object] = {
        "x_ModelDeveloper": family[1] if family else None,
        "x_ModelFamily": family[0] if family else None,
        "x_ModelId": model,
        "x_ModelVersion": dated[1] if dated else None,
        "x_TokenDirection": direction,
        "x_TokenCacheAction": cache,
        "x_RateIds": ",".join(basis.rate_ids),
        **{f"x_{_pascal(name)}": value for name, value in conditions.items()},
    }
    return canonical_json(ours) or "{}"


def _token_class(meter: str) -> tuple[str | None, str | None]:
    if meter_unit(meter) != "tokens":
        return None, None
    if meter.startswith("output"):
        return "Output", None
    if meter.startswith("cache_read"):
        return "Input", "Read"
    if meter.startswith("cache_write"):
        return "Input", "Write"
    return ("Input", "Uncached") if meter.startswith("input") else (None, None)


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", name))
