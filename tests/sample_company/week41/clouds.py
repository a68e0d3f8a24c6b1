"""The bills and logs of the clouds: what ran through the gateway, as Amazon and Google bill it.

Azure is on trial: the payments team asked the same questions of a deployment in East US 2.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction

from tests.sample_company import prices
from tests.sample_company.chance import between, digest
from tests.sample_company.tally import exact_text, start_of
from tests.sample_company.week41.week import (
    DAYS,
    TUESDAY,
    Call,
    File,
    Week,
    instant,
    lines,
    midnight,
    next_midnight,
    number,
    table,
)
from tests.sample_company.writing import compact

_PAYER, _ACCOUNT = "111122223333", "444455556666"
_CUR = (
    *("identity_line_item_id", "bill_payer_account_id", "bill_billing_entity"),
    *("bill_billing_period_start_date", "bill_billing_period_end_date", "bill_invoice_id"),
    *("line_item_usage_account_id", "line_item_line_item_type", "line_item_usage_start_date"),
    *("line_item_usage_end_date", "line_item_product_code", "line_item_usage_type"),
    *("line_item_resource_id", "line_item_usage_amount", "line_item_unblended_rate"),
    *("line_item_unblended_cost", "line_item_currency_code", "line_item_line_item_description"),
    *("line_item_iam_principal", "pricing_unit", "product", "product_region_code"),
    *("resource_tags", "tags"),
)
_CUR_1 = (
    *("identity/LineItemId", "identity/TimeInterval", "bill/InvoiceId", "bill/BillingEntity"),
    *("bill/BillType", "bill/PayerAccountId", "bill/BillingPeriodStartDate"),
    *("bill/BillingPeriodEndDate", "lineItem/UsageAccountId", "lineItem/LineItemType"),
    *("lineItem/UsageStartDate", "lineItem/UsageEndDate", "lineItem/ProductCode"),
    *("lineItem/UsageType", "lineItem/Operation", "lineItem/ResourceId", "lineItem/UsageAmount"),
    *("lineItem/CurrencyCode", "lineItem/UnblendedRate", "lineItem/UnblendedCost"),
    *("lineItem/LineItemDescription", "product/ProductName", "product/regionCode", "pricing/unit"),
    "resourceTags/user:project",
)
_AWS_MODELS = {
    "eu.anthropic.claude-sonnet-4-6": ("Claude4.6Sonnet", "-cross-region-eu"),
    "global.anthropic.claude-haiku-4-5-20251001-v1:0": ("Claude4.5Haiku", "-cross-region-global"),
}
_AWS_KINDS = {
    "input_uncached": "input-tokens",
    "cache_read": "cache-read-input-token-count",
    "cache_write": "cache-write-input-token-count",
    "output": "output-tokens",
}
_GOOGLE_KINDS = {
    "input_uncached": "Text Input - Predictions",
    "cache_read": "Input Text Caching",
    "output": "Text Output - Predictions",
}
_GOOGLE_MODELS = {"gemini-2.5-flash": "Gemini 2.5 Flash GA", "gemini-2.5-pro": "Gemini 2.5 Pro"}
_AZURE = (
    *("SubscriptionId", "ResourceGroup", "ResourceLocation", "Date", "ProductName"),
    *("MeterCategory", "MeterSubCategory", "MeterId", "MeterName", "UnitOfMeasure", "Quantity"),
    *("EffectivePrice", "CostInBillingCurrency", "UnitPrice", "PayGPrice"),
    *("BillingCurrencyCode", "ChargeType", "Frequency", "PricingModel", "ConsumedService"),
    *("ResourceId", "Tags", "PublisherType", "BillingAccountId"),
    *("BillingPeriodStartDate", "BillingPeriodEndDate"),
)
_SUBSCRIPTION = "11111111-2222-3333-4444-000000000041"
_AZURE_METERS = (
    ("gpt 4.1 Inp glbl Tokens", "0.002", 900),
    ("gpt 4.1 cached Inp glbl Tokens", "0.0005", 2600),
    ("gpt 4.1 Outp glbl Tokens", "0.008", 300),
)
_FOCUS = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass"),
    *("ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart"),
    *("ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice"),
    *("EffectiveCost", "HostProviderName", "InvoiceId", "InvoiceIssuerName", "ListCost"),
    *("ListUnitPrice", "PricingCategory", "PricingQuantity", "PricingUnit", "ServiceCategory"),
    *("ServiceName", "ServiceProviderName", "ServiceSubcategory", "SkuId", "SkuMeter"),
    *("SkuPriceDetails", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags"),
)
_FOCUS_METERS = {
    "input_uncached": ("Input Tokens", "Input", "Uncached"),
    "cache_read": ("Cache Read Input Tokens", "Input", "Read"),
    "output": ("Output Tokens", "Output", None),
}
_MONTH = ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z")
_KEYS = ("ledger-api", "refunds")


def files(week: Week) -> Iterator[File]:
    """Yield every file of this module, below the folder of its format."""
    yield "aws-cur/lindqvist-cur2-00001.csv.gz", _cur(week)
    yield "aws-cur-1/lindqvist-cur1-00001.csv.gz", _cur_1(week)
    yield "bedrock-invocation-logs/20261006T000000000Z_41a1b2c3.json.gz", _invocations(week)
    yield "google-cloud-billing/gcp_billing_export_202610.jsonl", _google(week)
    yield "gemini-usage-logs/responses-2026-10-06.jsonl", lines(_gemini(week))
    yield "vertex-request-logs/request_response_logging-2026-10-06.jsonl", _vertex(week)
    yield "azure-cost-details/actual-cost-2026-10.csv", _azure()
    yield "azure-apim-llm-logs/ApiManagementGatewayLlmLog-2026-10-06.jsonl", lines(_gateway_log())
    yield "azure-apim-token-metrics/AppMetrics-2026-10-06.jsonl", lines(_token_metrics())
    yield "focus/nimbus-cloud-2026-10.csv", _focus()


Line = tuple[date, str, str, str, str]
"""Day, model, person or job, project, meter."""


def _by_line(week: Week, provider: str) -> dict[Line, int]:
    sums: Counter[Line] = Counter()
    for day in DAYS:
        for call in week.calls(day):
            if call.provider == provider:
                who = call.login or f"job-{call.project}"
                for meter, count in call.meters.items():
                    sums[day, call.model, who, call.project, meter] += count
    return {line: count for line, count in sorted(sums.items()) if count}


def _price(provider: str, line: Line) -> Fraction:
    """Return the dollars of one token."""
    day, model, _, _, meter = line
    million = prices.cost(provider, model, start_of(day), {meter: 10**6})
    return (million or Fraction(0)) / 10**6


def _cur(week: Week) -> str:
    rows = []
    for line, count in _by_line(week, "aws").items():
        day, model, who, project, meter = line
        name, route = _AWS_MODELS[model]
        thousand = _price("aws", line) * 1000
        role = f"arn:aws:sts::{_ACCOUNT}:assumed-role/LiteLlmGateway/{who}"
        kind = f"EUC1-{name}-{_AWS_KINDS[meter]}{route}"
        rows.append(
            (
                *(digest("line item", *line)[:26], _PAYER, "AWS", *_MONTH, "", _ACCOUNT, "Usage"),
                *(midnight(day), next_midnight(day), "AmazonBedrock", kind, ""),
                *(exact_text(Fraction(count, 1000)), exact_text(thousand)),
                *(exact_text(thousand * count / 1000), "USD", f"{name}, per 1K tokens", role),
                *("1K tokens", "", "eu-central-1", "", compact({"iamPrincipal/project": project})),
            )
        )
    return table(_CUR, rows)


def _cur_1(week: Week) -> str:
    rows = []
    for line, count in _by_line(week, "aws").items():
        day, model, _, project, meter = line
        name, route = _AWS_MODELS[model]
        thousand = _price("aws", line) * 1000
        start, end = midnight(day), next_midnight(day)
        rows.append(
            (
                *(digest("first line item", *line)[:26], f"{start}/{end}", "", "AWS"),
                *("Anniversary", _PAYER, *_MONTH, _ACCOUNT, "Usage", start, end, "AmazonBedrock"),
                *(f"EUC1-{name}-{_AWS_KINDS[meter]}{route}", "InvokeModelInference", ""),
                *(exact_text(Fraction(count, 1000)), "USD", exact_text(thousand)),
                *(exact_text(thousand * count / 1000), f"{name}, per 1K tokens"),
                *("Amazon Bedrock", "eu-central-1", "1K tokens", project),
            )
        )
    return table(_CUR_1, rows)


def _invocations(week: Week) -> str:
    return lines(
        {
            "schemaType": "ModelInvocationLog",
            "schemaVersion": "1.0",
            "timestamp": instant(call.start, 0),
            "accountId": _ACCOUNT,
            "identity": {
                "arn": f"arn:aws:sts::{_ACCOUNT}:assumed-role/LiteLlmGateway/"
                f"{call.login or f'job-{call.project}'}"
            },
            "region": "eu-central-1",
            "requestId": call.request_id.removeprefix("chatcmpl-"),
            "operation": "Converse",
            "modelId": call.model,
            "input": {
                "inputContentType": "application/json",
                "inputTokenCount": call.meters["input_uncached"],
                "cacheReadInputTokenCount": call.meters["cache_read"],
                "cacheWriteInputTokenCount": call.meters["cache_write"],
            },
            "output": {"outputContentType": "application/json", "outputTokenCount": call.output},
            "requestMetadata": {"team": call.team, "project": call.project},
        }
        for call in week.calls()
        if call.provider == "aws"
    )


def _google(week: Week) -> str:
    rows = []
    for line, count in _by_line(week, "google").items():
        day, model, _, project, meter = line
        price = _price("google", line)
        cost = number(price * count)
        rows.append(
            {
                "billing_account_id": "01ABCD-000000-000041",
                "invoice": {"month": "202610"},
                "cost_type": "regular",
                "service": {"id": "C7E2-9256-1C43", "description": "Vertex AI"},
                "sku": {
                    "id": digest("sku", model, meter)[:12].upper(),
                    "description": f"{_GOOGLE_MODELS[model]} {_GOOGLE_KINDS[meter]}",
                },
                "usage_start_time": midnight(day),
                "usage_end_time": f"{day}T01:00:00Z",
                "project": {"id": "lindqvist-ml"},
                "labels": [{"key": "project", "value": project}],
                "location": {"location": "global"},
                "cost": cost,
                "currency": "USD",
                "currency_conversion_rate": 1.0,
                "usage": {
                    "amount": count,
                    "unit": "count",
                    "amount_in_pricing_units": count,
                    "pricing_unit": "count",
                },
                "credits": [],
                "cost_at_list": cost,
                "price": {"effective_price": number(price), "pricing_unit_quantity": 1},
                "export_time": f"{day}T23:12:00Z",
            }
        )
    return lines(rows)


def _gemini(week: Week) -> Iterator[Mapping[str, object]]:
    for call in week.calls():
        if call.provider == "google":
            yield {
                "responseId": call.hexadecimal[:22],
                "modelVersion": call.model,
                "createTime": instant(call.end, 6),
                "usageMetadata": _usage_metadata(call),
                "labels": {"project": call.project},
            }


def _usage_metadata(call: Call) -> dict[str, int]:
    thoughts = call.output // 4
    return {
        "promptTokenCount": call.prompt,
        "cachedContentTokenCount": call.meters["cache_read"],
        "candidatesTokenCount": call.output - thoughts,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": call.prompt + call.output,
    }


def _vertex(week: Week) -> str:
    return lines(
        {
            "endpoint": "projects/lindqvist-ml/locations/global/publishers/google/models/"
            + call.model,
            "deployed_model_id": None,
            "logging_time": f"{call.end:%Y-%m-%d %H:%M:%S.%f} UTC",
            "request_id": str(call.number),
            "model": call.model,
            "model_version": "default",
            "api_method": "streamGenerateContent",
            "full_response": [
                {"usageMetadata": {"promptTokenCount": call.prompt}},
                {"usageMetadata": _usage_metadata(call)},
            ],
            "metadata": None,
        }
        for call in week.calls()
        if call.provider == "google"
    )


def _asked(day: date, key: str) -> int:
    return between(40, 90, "azure requests", day, key)


def _azure() -> str:
    rows = []
    for day in DAYS:
        for key in _KEYS:
            for name, price, tokens in _AZURE_METERS:
                quantity = Fraction(_asked(day, key) * tokens, 1000)
                cost = exact_text(quantity * Fraction(price))
                resource = (
                    f"/subscriptions/{_SUBSCRIPTION}/resourceGroups/rg-trial/providers/"
                    "Microsoft.CognitiveServices/accounts/lindqvist-trial"
                )
                rows.append(
                    (
                        *(_SUBSCRIPTION, "rg-trial", "eastus2", f"{day:%m/%d/%Y}"),
                        *(f"Azure OpenAI - {name} - US East 2", "Foundry Models", "Azure OpenAI"),
                        *(digest("meter", name)[:12], name, "1K", exact_text(quantity), price),
                        *(cost, price, price, "USD", "Usage", "UsageBased", "OnDemand"),
                        *("Microsoft.CognitiveServices", resource),
                        *(f'"team": "payments","project": "{key}"', "Microsoft", "8675309"),
                        # These days could be read either way: the period tells month from day.
                        *("10/01/2026", "10/31/2026"),
                    )
                )
    return table(_AZURE, rows)


def _gateway_log() -> Iterator[Mapping[str, object]]:
    at = start_of(TUESDAY)
    for key in _KEYS:
        for place in range(_asked(TUESDAY, key)):
            stamp = at.replace(hour=8 + place // 12, minute=place % 12 * 5)
            row = {
                "TimeGenerated": instant(stamp),
                "CorrelationId": digest("apim", key, place)[:32],
                "DeploymentName": "trial-gpt41",
                "ModelName": "gpt-4.1",
                "OperationName": "ChatCompletions_Create",
                "IsStreamCompletion": False,
                "PromptTokens": 3500,
                "CompletionTokens": 300,
                "TotalTokens": 3800,
                "Region": "East US 2",
                "ApimSubscriptionId": f"sub-{key}",
                "ProductId": "payments",
            }
            # Every tenth body is so large that it takes two rows: its tokens count once.
            yield from (
                {**row, "SequenceNumber": part} for part in range(2 if place % 10 == 9 else 1)
            )


def _token_metrics() -> Iterator[Mapping[str, object]]:
    at = start_of(TUESDAY)
    for key in _KEYS:
        requests = _asked(TUESDAY, key)
        for name, tokens in (("Total", 3800), ("Prompt", 3500), ("Completion", 300)):
            yield {
                "TimeGenerated": instant(at.replace(hour=12)),
                "Name": f"{name} Tokens",
                "Sum": tokens * requests,
                "Min": tokens,
                "Max": tokens,
                "ItemCount": requests,
                "OperationId": "",
                "Properties": {
                    "Subscription ID": f"sub-{key}",
                    "Product ID": "payments",
                    "Model": "gpt-4.1",
                },
            }


def _focus() -> str:
    """Return the FOCUS export of a smaller cloud: open models by the million tokens."""
    rows = []
    for day in DAYS:
        for meter, price in (("input_uncached", "0.55"), ("cache_read", "0.14"), ("output", "2.2")):
            name, direction, action = _FOCUS_METERS[meter]
            tokens = between(1, 40, "nimbus", day, meter) * 100_000
            millions, unit = Fraction(tokens, 10**6), Fraction(price)
            cost, sku = exact_text(millions * unit), f"qwen3-235b-{meter.replace('_', '-')}"
            details = {"x_ModelId": "qwen3-235b", "x_TokenDirection": direction}
            details |= {"x_TokenCacheAction": action} if action else {}
            rows.append(
                (
                    *(cost, "nim-41", "Lindqvist Freight", "USD", *reversed(_MONTH), "Usage", ""),
                    *(name, "Usage-Based", next_midnight(day), midnight(day), f"{tokens}.0"),
                    *("Tokens", cost, price, cost, "Nimbus Cloud", "", "Nimbus Cloud", cost),
                    *(price, "Standard", exact_text(millions), "1000000 Tokens"),
                    *("AI and Machine Learning", "Nimbus Inference", "Nimbus Cloud"),
                    *("Generative AI", sku, name, compact(details), f"{sku}-standard"),
                    *("growth", "growth", compact({"project": "translations"})),
                )
            )
    return table(_FOCUS, rows)
