"""The files that `tests.benchmarks.formats` reads: bulk formats as companies have them.

Most rows of a bill and most bytes of a log are of no interest to us; that is as in life.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from tests.benchmarks.corpus import write_spend_logs
from tests.benchmarks.transcripts import write_transcripts

_DAY: Final = "TIMESTAMP '2026-06-01' + INTERVAL (i % 30) DAY + INTERVAL (hash(i, 1) % 24) HOUR"
_CALLS: Final = 300_000
# Who uses what is a property of a workload, of which a company has some hundreds.
_WORKLOAD: Final = "(hash(i, 2) % 1200)"
_TEAM: Final = f"printf('team-%d', {_WORKLOAD} % 50)"
_ROLE: Final = f"printf('arn:aws:sts::444455556666:assumed-role/App%d/session', {_WORKLOAD} % 200)"


@dataclass(frozen=True, slots=True)
class Corpus:
    """How the files of a format are made."""

    write: Callable[[Path], object]


def _copy(query: str, target: Path) -> None:
    form = {
        ".parquet": "FORMAT parquet, COMPRESSION zstd",
        ".jsonl": "FORMAT json",
        ".csv": "FORMAT csv, HEADER",
    }[target.suffix]
    duckdb.connect().execute(f"COPY ({query}) TO '{target}' ({form})")


def _write_cur(home: Path) -> None:
    """A month of CUR 2.0 for one payer: one row in forty is of Bedrock."""
    _copy(
        f"""
        WITH rows AS (
            SELECT i, hash(i, 8) % 40 = 0 AS ai, {_DAY} AS begun, 1 + hash(i, 3) % 90000 AS blocks
            FROM range(8_000_000) r(i)
        )
        SELECT '111122223333' AS bill_payer_account_id, 'AWS' AS bill_billing_entity,
            TIMESTAMP '2026-06-01' AS bill_billing_period_start_date,
            TIMESTAMP '2026-07-01' AS bill_billing_period_end_date, '' AS bill_invoice_id,
            printf('%012d', 444455550000 + {_WORKLOAD} % 40) AS line_item_usage_account_id,
            'Usage' AS line_item_line_item_type, begun AS line_item_usage_start_date,
            begun + INTERVAL 1 HOUR AS line_item_usage_end_date,
            CASE WHEN ai THEN 'AmazonBedrock' ELSE ['AmazonEC2', 'AmazonS3', 'AWSLambda',
                'AmazonRDS'][1 + (hash(i, 5) % 4)::INT] END AS line_item_product_code,
            CASE WHEN ai THEN 'USW2-Claude4.6Sonnet-' || ['input-tokens', 'output-tokens',
                'cache-read-input-token-count'][1 + (hash(i, 6) % 3)::INT]
                ELSE 'BoxUsage:t3.micro' END AS line_item_usage_type,
            printf('arn:aws:ec2:us-west-2:i-%016x', CASE WHEN ai THEN {_WORKLOAD}
                ELSE hash(i, 7) % 20000 END) AS line_item_resource_id,
            CASE WHEN ai THEN blocks / 1000 ELSE 24.0 END::DOUBLE AS line_item_usage_amount,
            CASE WHEN ai THEN '0.0033' ELSE '0.0104' END AS line_item_unblended_rate,
            CASE WHEN ai THEN blocks / 1000 * 0.0033 ELSE 0.2496 END::DOUBLE
                AS line_item_unblended_cost,
            'USD' AS line_item_currency_code, 'per unit of use' AS line_item_line_item_description,
            CASE WHEN ai THEN {_ROLE} END AS line_item_iam_principal,
            CASE WHEN ai THEN '1K tokens' ELSE 'Hrs' END AS pricing_unit,
            MAP([]::VARCHAR[], []::VARCHAR[]) AS product, 'us-west-2' AS product_region_code,
            MAP(['user_team'], [{_TEAM}]) AS resource_tags,
            MAP([]::VARCHAR[], []::VARCHAR[]) AS tags,
            printf('%032x', hash(i, 9)) AS identity_line_item_id
        FROM rows ORDER BY begun
        """,
        home / "cur.parquet",
    )


def _write_google(home: Path) -> None:
    """A month of a Cloud Billing export as BigQuery writes it: one row in forty is of Vertex AI."""
    _copy(
        f"""
        WITH rows AS (
            SELECT i, hash(i, 8) % 40 = 0 AS ai, {_DAY} AS begun,
                1000 + hash(i, 3) % 9000000 AS tokens
            FROM range(8_000_000) r(i)
        )
        SELECT '01ABCD-000000-000000' AS billing_account_id,
            {{'id': CASE WHEN ai THEN 'C7E2-9256-1C43' ELSE '6F81-5844-456A' END,
              'description': CASE WHEN ai THEN 'Vertex AI' ELSE 'Compute Engine' END}} AS service,
            {{'id': '0000-1111-2222', 'description': CASE WHEN ai
                THEN 'Gemini 2.5 Flash GA Text Input - Predictions'
                ELSE 'N1 Predefined Instance Core running in Americas' END}} AS sku,
            begun::TIMESTAMPTZ AS usage_start_time,
            (begun + INTERVAL 1 HOUR)::TIMESTAMPTZ AS usage_end_time,
            {{'id': printf('project-%d', {_WORKLOAD} % 300)}} AS project,
            [{{'key': 'team', 'value': {_TEAM}}}] AS labels, {{'location': 'global'}} AS location,
            CASE WHEN ai THEN tokens * 3e-7 ELSE 5.0 END::DOUBLE AS "cost", 'USD' AS currency,
            {{'amount': CASE WHEN ai THEN tokens ELSE 10 END::DOUBLE, 'unit': 'requests',
              'amount_in_pricing_units': CASE WHEN ai THEN tokens ELSE 10 END::DOUBLE,
              'pricing_unit': 'count'}} AS usage,
            [{{'name': 'Promo', 'amount': -0.001::DOUBLE}}] AS credits,
            {{'month': '202606'}} AS invoice, 'regular' AS cost_type,
            {{'effective_price': CASE WHEN ai THEN 0.0000003 ELSE 0.5 END::DECIMAL(38, 9),
              'pricing_unit_quantity': 1.0::DOUBLE}} AS price,
            TIMESTAMPTZ '2026-07-02 00:00:00+00' AS export_time
        FROM rows ORDER BY begun
        """,
        home / "billing.parquet",
    )


_FOCUS: Final = f"""
    WITH rows AS (
        SELECT i, hash(i, 8) % 40 = 0 AS ai, {_DAY} AS begun, 1 + hash(i, 3) % 9000000 AS tokens
        FROM range({{rows}}) r(i)
    )
    SELECT (CASE WHEN ai THEN tokens * 0.000003 ELSE 0.2496 END)::DECIMAL(18, 9) AS "BilledCost",
        'org-7' AS "BillingAccountId", 'Acme' AS "BillingAccountName", 'USD' AS "BillingCurrency",
        '2026-07-01T00:00:00Z' AS "BillingPeriodEnd",
        '2026-06-01T00:00:00Z' AS "BillingPeriodStart",
        'Usage' AS "ChargeCategory", NULL::VARCHAR AS "ChargeClass",
        'by use, hour by hour' AS "ChargeDescription", 'Usage-Based' AS "ChargeFrequency",
        strftime(begun + INTERVAL 1 HOUR, '%Y-%m-%dT%H:%M:%SZ') AS "ChargePeriodEnd",
        strftime(begun, '%Y-%m-%dT%H:%M:%SZ') AS "ChargePeriodStart",
        (CASE WHEN ai THEN tokens ELSE 24 END)::DECIMAL(18, 6) AS "ConsumedQuantity",
        CASE WHEN ai THEN 'Tokens' ELSE 'Hours' END AS "ConsumedUnit",
        "BilledCost" AS "ContractedCost",
        (CASE WHEN ai THEN 3.0 ELSE 0.0104 END)::DECIMAL(18, 6) AS "ContractedUnitPrice",
        "BilledCost" AS "EffectiveCost", NULL::VARCHAR AS "InvoiceId",
        'Amazon Web Services, Inc.' AS "InvoiceIssuerName", "BilledCost" AS "ListCost",
        "ContractedUnitPrice" AS "ListUnitPrice", 'Standard' AS "PricingCategory",
        (CASE WHEN ai THEN tokens / 1000000 ELSE 24 END)::DECIMAL(18, 6) AS "PricingQuantity",
        CASE WHEN ai THEN '1000000 Tokens' ELSE 'Hours' END AS "PricingUnit",
        CASE WHEN ai THEN 'AI and Machine Learning' ELSE 'Compute' END AS "ServiceCategory",
        CASE WHEN ai THEN 'Amazon Bedrock' ELSE ['Amazon EC2', 'Amazon S3', 'AWS Lambda',
            'Amazon RDS'][1 + (hash(i, 5) % 4)::INT] END AS "ServiceName",
        CASE WHEN ai THEN 'Generative AI' ELSE 'Virtual Machines' END AS "ServiceSubcategory",
        CASE WHEN ai THEN 'claude-sonnet-4-6-input' ELSE 't3.micro' END AS "SkuId",
        CASE WHEN ai THEN 'Input Tokens' ELSE 'Hours' END AS "SkuMeter",
        CASE WHEN ai THEN '{{{{"x_ModelId":"claude-sonnet-4-6","x_TokenDirection":"Input",'
            '"x_TokenCacheAction":"Uncached"}}}}' END AS "SkuPriceDetails",
        "SkuId" || '-standard' AS "SkuPriceId",
        printf('%012d', 444455550000 + {_WORKLOAD} % 40) AS "SubAccountId",
        'ml-prod' AS "SubAccountName", printf('{{{{"team":"%s"}}}}', {_TEAM}) AS "Tags",
        'AWS' AS "ProviderName", 'AWS' AS "PublisherName", 'us-west-2' AS "RegionId",
        printf('arn:aws:ec2:us-west-2:i-%016x', CASE WHEN ai THEN {_WORKLOAD}
            ELSE hash(i, 7) % 20000 END) AS "ResourceId"
    FROM rows ORDER BY begun"""


def _write_azure(home: Path) -> None:
    """A month of Azure cost details: one row in forty is of a model."""
    _copy(
        f"""
        WITH rows AS (
            SELECT i, hash(i, 8) % 40 = 0 AS ai, {_DAY} AS begun, 1 + hash(i, 3) % 90000 AS blocks
            FROM range(1_000_000) r(i)
        )
        SELECT '11111111-2222-3333-4444-555555555555' AS "SubscriptionId",
            printf('rg-%d', {_WORKLOAD} % 300) AS "ResourceGroup", 'eastus2' AS "ResourceLocation",
            strftime(begun, '%m/%d/%Y') AS "Date", '' AS "ProductName",
            CASE WHEN ai THEN 'Foundry Models' ELSE 'Virtual Machines' END AS "MeterCategory",
            CASE WHEN ai THEN 'Azure OpenAI' ELSE 'Dv3 Series' END AS "MeterSubCategory",
            printf('%04x', hash(i, 6) % 4000) AS "MeterId",
            CASE WHEN ai THEN 'gpt 4.1 Inp glbl Tokens' ELSE 'D2 v3' END AS "MeterName",
            CASE WHEN ai THEN '1K' ELSE '1 Hour' END AS "UnitOfMeasure",
            CASE WHEN ai THEN blocks ELSE 24 END AS "Quantity",
            CASE WHEN ai THEN '0.0019' ELSE '0.096' END AS "EffectivePrice",
            CASE WHEN ai THEN blocks * 0.0019 ELSE 2.304 END::DECIMAL(18, 6)
                AS "CostInBillingCurrency",
            '' AS "UnitPrice", '' AS "PayGPrice", 'USD' AS "BillingCurrencyCode",
            'Usage' AS "ChargeType", 'UsageBased' AS "Frequency", 'OnDemand' AS "PricingModel",
            CASE WHEN ai THEN 'Microsoft.CognitiveServices' ELSE 'Microsoft.Compute' END
                AS "ConsumedService",
            printf('/subscriptions/1111/providers/Microsoft.CognitiveServices/accounts/AI%d',
                {_WORKLOAD}) AS "ResourceId",
            printf('"team": "%s","env": "prod"', {_TEAM}) AS "Tags", 'Microsoft' AS "PublisherType",
            '8675309' AS "BillingAccountId"
        FROM rows ORDER BY begun
        """,
        home / "cost-details.csv",
    )


def _write_own(home: Path) -> None:
    """A day of answers of an own server, each with its text."""
    text = "lorem ipsum " * 40
    _copy(
        f"""
        WITH rows AS (
            SELECT i, 1 + hash(i, 3) % 9000 AS asked, hash(i, 5) % 4000 AS answered
            FROM range(400_000) r(i)
        )
        SELECT printf('chatcmpl-%016x-%08x', hash(i, 9), i) AS id, 'chat.completion' AS object,
            1781395200 + i * 86400 // 400_000 AS created, 'llama-4-70b' AS model,
            [{{'index': 0, 'message': {{'role': 'assistant', 'content': '{text}'}}}}] AS choices,
            {{'prompt_tokens': asked, 'completion_tokens': answered,
              'total_tokens': asked + answered,
              'prompt_tokens_details': {{'cached_tokens': asked // 2}}}} AS usage,
            NULL AS service_tier, NULL AS system_fingerprint,
            printf('svc-%d', {_WORKLOAD} % 200) AS "user", printf('key-%d', {_WORKLOAD}) AS api_key,
            {{'team': {_TEAM}, 'project': printf('PAY-%d', {_WORKLOAD} % 400)}} AS metadata
        FROM rows
        """,
        home / "answers.jsonl",
    )


def _write_bedrock(home: Path) -> None:
    """A night's export of invocation logs, with the texts in them unless one turns that off.

    A log is an object for each hour, in which calls follow one another; what a night in Europe
    takes of them began before midnight in UTC.
    """
    called = f"TIMESTAMP '2026-06-14 22:00:00' + INTERVAL (i * 86400 // {_CALLS}) SECOND"
    text = "lorem ipsum " * 40
    _copy(
        f"""
        SELECT 'ModelInvocationLog' AS "schemaType", '1.0' AS "schemaVersion",
            strftime({called}, '%Y-%m-%dT%H:%M:%SZ') AS "timestamp", '444455556666' AS "accountId",
            {{'arn': {_ROLE}}} AS "identity",
            'us-east-1' AS region, 'us-west-2' AS "inferenceRegion",
            printf('%016x-%08x', hash(i, 9), i) AS "requestId", 'Converse' AS operation,
            'us.anthropic.claude-sonnet-4-6' AS "modelId",
            {{'inputContentType': 'application/json', 'inputTokenCount': hash(i, 3) % 9000,
              'cacheReadInputTokenCount': hash(i, 4) % 90000, 'cacheWriteInputTokenCount': 0,
              'inputBodyJson': {{'messages': [{{'role': 'user', 'content': '{text}'}}]}}}} AS input,
            {{'outputContentType': 'application/json', 'outputTokenCount': hash(i, 5) % 4000,
              'outputBodyJson': {{'content': '{text}'}}}} AS output,
            {{'team': {_TEAM}, 'ticket': printf('PAY-%d', {_WORKLOAD})}} AS "requestMetadata"
        FROM range({_CALLS}) r(i)
        """,
        home / "invocations.jsonl",
    )


def _write_otlp(home: Path) -> None:
    """Spans by the dozen to a line, as a collector writes them; one in three is of a model."""

    def attribute(key: str, kind: str, value: str) -> str:
        return f"{{'key': '{key}', 'value': {{'{kind}': {value}}}}}"

    tokens = {"input_tokens": 3, "cache_read.input_tokens": 4, "output_tokens": 5}
    of_model = (
        attribute("gen_ai.operation.name", "stringValue", "'chat'"),
        attribute("gen_ai.provider.name", "stringValue", "'anthropic'"),
        attribute("gen_ai.response.model", "stringValue", "'claude-sonnet-4-6'"),
    )
    counts = (
        attribute(f"gen_ai.usage.{name}", "intValue", f"(hash(i, {seed}) % 900)::VARCHAR")
        for name, seed in tokens.items()
    )
    of_web = (
        attribute("http.request.method", "stringValue", "'POST'"),
        attribute("url.path", "stringValue", "'/v1/charges'"),
        attribute("server.address", "stringValue", "'pay.example.com'"),
    )
    _copy(
        f"""
        WITH spans AS (
            SELECT i // 12 AS line, to_json({{
                'traceId': printf('%032x', hash(i // 4)),
                'spanId': printf('%016x', hash(i)), 'parentSpanId': '', 'name': 'chat',
                'kind': 3, 'startTimeUnixNano': (1780272000000000000 + i * 8000000000)::VARCHAR,
                'endTimeUnixNano': (1780272001000000000 + i * 8000000000)::VARCHAR,
                'attributes': CASE WHEN i % 3 = 0
                    THEN rtrim(to_json([{", ".join(of_model)}])::VARCHAR, ']') || ','
                        || ltrim(to_json([{", ".join(counts)}])::VARCHAR, '[')
                    ELSE to_json([{", ".join(of_web)}])::VARCHAR END::JSON,
                'status': {{'code': 1}}}}) AS span
            FROM range(300_000) r(i)
        )
        SELECT [{{'resource': {{'attributes': [
                {attribute("service.name", "stringValue", "'pay-agent'")},
                {attribute("team", "stringValue", "printf('team-%d', line % 50)")}]}},
            'scopeSpans': [{{'scope': {{'name': 'genai'}}, 'spans': list(span)}}]}}]
            AS "resourceSpans"
        FROM spans GROUP BY line ORDER BY line
        """,
        home / "spans.jsonl",
    )


CORPORA: Final = {
    "cur": Corpus(_write_cur),
    "google": Corpus(_write_google),
    "focus": Corpus(lambda home: _copy(_FOCUS.format(rows=8_000_000), home / "focus.parquet")),
    "focus-csv": Corpus(lambda home: _copy(_FOCUS.format(rows=1_000_000), home / "focus.csv")),
    "azure": Corpus(_write_azure),
    "bedrock": Corpus(_write_bedrock),
    "own": Corpus(_write_own),
    "otlp": Corpus(_write_otlp),
    "transcripts": Corpus(lambda home: write_transcripts(home, 400)),
    "litellm": Corpus(
        lambda home: write_spend_logs(duckdb.connect(), 400_000, 1, home / "spend-logs.jsonl")
    ),
}
