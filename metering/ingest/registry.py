"""The ingestors: those we ship, and those that plug-ins bring.

A plug-in is a distribution with an entry point in the group `metering.ingestors` that names a class
(or function) which gives an `Ingestor` when called without arguments. It is checked here once, so
that everything after may trust names and attributes. A mapping file (`mapping_file`) is an ingestor
without a module: the settings say in which folder they are.
"""

import re
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

from metering.errors import MeteringError, SourceError, SourceRef, shown
from metering.ingest.contract import Identity, Ingestor, Repeat, SourceRole
from metering.ingest.formats.anthropic_console_cost_csv import AnthropicConsoleCostCsv
from metering.ingest.formats.anthropic_console_usage_csv import AnthropicConsoleUsageCsv
from metering.ingest.formats.anthropic_cost_report import AnthropicCostReport
from metering.ingest.formats.anthropic_messages import AnthropicMessages
from metering.ingest.formats.aws_cur import AwsCostAndUsageReport
from metering.ingest.formats.aws_cur_1 import AwsLegacyCostAndUsageReport
from metering.ingest.formats.azure_apim_llm_logs import AzureApimLlmLogs
from metering.ingest.formats.azure_apim_token_metrics import AzureApimTokenMetrics
from metering.ingest.formats.azure_cost_details import AzureCostDetails
from metering.ingest.formats.bedrock_invocation_logs import BedrockInvocationLogs
from metering.ingest.formats.chatgpt_credits_csv import ChatGptCreditsCsv
from metering.ingest.formats.claude_analytics_reports import (
    ClaudeAnalyticsCosts,
    ClaudeAnalyticsUsage,
)
from metering.ingest.formats.claude_code_analytics import ClaudeCodeAnalytics
from metering.ingest.formats.claude_code_transcripts import ClaudeCodeTranscripts
from metering.ingest.formats.claude_enterprise_reports import (
    ClaudeEnterpriseCosts,
    ClaudeEnterpriseUsage,
)
from metering.ingest.formats.claude_spend_report_csv import ClaudeSpendReportCsv
from metering.ingest.formats.cloudflare_ai_gateway import CloudflareAiGateway
from metering.ingest.formats.codex_analytics import CodexAnalytics
from metering.ingest.formats.codex_exec import CodexExec
from metering.ingest.formats.codex_rollouts import CodexRollouts
from metering.ingest.formats.copilot_billing_csv import CopilotBillingCsv
from metering.ingest.formats.copilot_metrics import CopilotMetrics
from metering.ingest.formats.copilot_usage_api import CopilotUsageApi
from metering.ingest.formats.cursor_ai_code import CursorAiCode
from metering.ingest.formats.cursor_daily_usage import CursorDailyUsage
from metering.ingest.formats.cursor_dashboard_events import CursorDashboardEvents
from metering.ingest.formats.cursor_spend import CursorSpend
from metering.ingest.formats.cursor_usage_csv import CursorUsageCsv
from metering.ingest.formats.cursor_usage_events import CursorUsageEvents
from metering.ingest.formats.deepseek_amount_csv import DeepSeekAmountCsv
from metering.ingest.formats.deepseek_cost_csv import DeepSeekCostCsv
from metering.ingest.formats.focus import Focus
from metering.ingest.formats.gemini_usage_logs import GeminiUsageLogs
from metering.ingest.formats.google_cloud_billing import GoogleCloudBilling
from metering.ingest.formats.groq_requests import GroqRequests
from metering.ingest.formats.helicone_requests import HeliconeRequests
from metering.ingest.formats.inference_server_metrics import InferenceServerMetrics
from metering.ingest.formats.kong_ai_logs import KongAiLogs
from metering.ingest.formats.langfuse_observations import LangfuseObservations
from metering.ingest.formats.litellm_spend_logs import LiteLlmSpendLogs
from metering.ingest.formats.mapped import mapped
from metering.ingest.formats.mistral_usage import MistralUsage
from metering.ingest.formats.openai_activity_csv import OpenAiActivityCsv
from metering.ingest.formats.openai_batch_output import OpenAiBatchOutput
from metering.ingest.formats.openai_cost_csv import OpenAiCostCsv
from metering.ingest.formats.openai_costs import OpenAiCosts
from metering.ingest.formats.openai_usage import OpenAiUsage
from metering.ingest.formats.openrouter_activity import OpenRouterActivity
from metering.ingest.formats.openrouter_activity_csv import OpenRouterActivityCsv
from metering.ingest.formats.openrouter_generations import OpenRouterGenerations
from metering.ingest.formats.otlp_events import OtlpEvents
from metering.ingest.formats.otlp_metrics import OtlpMetrics
from metering.ingest.formats.otlp_spans import OtlpSpans
from metering.ingest.formats.own_model_logs import OwnModelLogs
from metering.ingest.formats.portkey_logs import PortkeyLogs
from metering.ingest.formats.salesforce_wallet_events import SalesforceWalletEvents
from metering.ingest.formats.salesforce_wallet_totals import SalesforceWalletTotals
from metering.ingest.formats.vertex_request_logs import VertexRequestLogs
from metering.ingest.formats.xai_prepaid import XaiPrepaid
from metering.ingest.formats.xai_requests import XaiRequests
from metering.ingest.formats.xai_usage import XaiUsage

ENTRY_POINT_GROUP: Final = "metering.ingestors"

BUILT_IN: Final[tuple[Ingestor, ...]] = (
    AnthropicConsoleCostCsv(),
    AnthropicConsoleUsageCsv(),
    AnthropicCostReport(),
    AnthropicMessages(),
    AwsCostAndUsageReport(),
    AwsLegacyCostAndUsageReport(),
    AzureApimLlmLogs(),
    AzureApimTokenMetrics(),
    AzureCostDetails(),
    BedrockInvocationLogs(),
    ChatGptCreditsCsv(),
    ClaudeAnalyticsCosts(),
    ClaudeAnalyticsUsage(),
    ClaudeCodeAnalytics(),
    ClaudeCodeTranscripts(),
    ClaudeEnterpriseCosts(),
    ClaudeEnterpriseUsage(),
    ClaudeSpendReportCsv(),
    CloudflareAiGateway(),
    CodexAnalytics(),
    CodexExec(),
    CodexRollouts(),
    CopilotBillingCsv(),
    CopilotMetrics(),
    CopilotUsageApi(),
    CursorAiCode(),
    CursorDailyUsage(),
    CursorDashboardEvents(),
    CursorSpend(),
    CursorUsageCsv(),
    CursorUsageEvents(),
    DeepSeekAmountCsv(),
    DeepSeekCostCsv(),
    Focus(),
    GeminiUsageLogs(),
    GoogleCloudBilling(),
    GroqRequests(),
    HeliconeRequests(),
    InferenceServerMetrics(),
    KongAiLogs(),
    LangfuseObservations(),
    LiteLlmSpendLogs(),
    MistralUsage(),
    OpenAiActivityCsv(),
    OpenAiBatchOutput(),
    OpenAiCostCsv(),
    OpenAiCosts(),
    OpenAiUsage(),
    OpenRouterActivity(),
    OpenRouterActivityCsv(),
    OpenRouterGenerations(),
    OtlpEvents(),
    OtlpMetrics(),
    OtlpSpans(),
    OwnModelLogs(),
    PortkeyLogs(),
    SalesforceWalletEvents(),
    SalesforceWalletTotals(),
    VertexRequestLogs(),
    XaiPrepaid(),
    XaiRequests(),
    XaiUsage(),
)

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_LONGEST_NAME: Final = 60
_ATTRIBUTES: Final[dict[str, type]] = {
    "name": str,
    "version": int,
    "role": SourceRole,
    "identity": Identity,
    "repeat": Repeat,
    "describes": str,
    "export": str,
    "cannot_tell": str,
}


class PluginError(MeteringError):
    """A plug-in cannot be used; nothing is read until it is mended or removed.

    Args:
        origin: the entry point, as its distribution spells it.
        what: what is wrong with it.
    """

    code = "bad-plug-in"

    def __init__(self, origin: str, what: str) -> None:
        super().__init__(
            f"{origin}: error[{self.code}]: {what}\n"
            "    do:       mend the plug-in, or remove its distribution"
        )


def installed(mappings: Path | None = None) -> tuple[Ingestor, ...]:
    """Return every ingestor: built-in ones, those of plug-ins by name, those of mapping files.

    Args:
        mappings: the folder of the mapping files; there may be none.

    Raises:
        PluginError: a plug-in does not load, is no ingestor, or takes a name that is taken.
        SourceError: `bad-mapping`; a mapping file cannot be read, or two have one name.
    """
    found = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name)
    return with_mappings(with_plugins(BUILT_IN, found), mappings)


def with_mappings(ingestors: Sequence[Ingestor], mappings: Path | None) -> tuple[Ingestor, ...]:
    """Return ingestors and those of the mapping files in a folder, if there is one.

    Raises:
        SourceError: as `installed`.
    """
    added = mapped(mappings) if mappings else ()
    names = [ingestor.name for ingestor in (*ingestors, *added)]
    for ingestor in added:
        if names.count(ingestor.name) > 1:
            raise SourceError(
                SourceRef(str(mappings)),
                "bad-mapping",
                f"the name {shown(ingestor.name)} is taken",
                do="give one of the mappings another name",
            )
    return (*ingestors, *added)


def with_plugins(
    built_in: Sequence[Ingestor], entries: Sequence[EntryPoint]
) -> tuple[Ingestor, ...]:
    """Return the built-in ingestors and those that entry points name, checked.

    Raises:
        PluginError: as `installed`.
    """
    ingestors = [*built_in]
    for entry in entries:
        ingestor = _loaded(entry)
        if any(ingestor.name == other.name for other in ingestors):
            raise PluginError(_origin(entry), f"the name {shown(ingestor.name)} is taken")
        ingestors.append(ingestor)
    return tuple(ingestors)


def flaws(ingestor: object) -> tuple[str, ...]:
    """Return what keeps an object from being an ingestor, in words; none if it is one."""
    if not isinstance(ingestor, Ingestor):
        return ("it lacks an attribute or method of an ingestor",)
    wrong = [
        f"its {name} is no {kind.__name__}"
        for name, kind in _ATTRIBUTES.items()
        if not isinstance(getattr(ingestor, name), kind)
    ]
    if wrong:
        return tuple(wrong)
    if len(ingestor.name) > _LONGEST_NAME or not _NAME.fullmatch(ingestor.name):
        return (f"its name is {shown(ingestor.name)}, and not words in lower case with hyphens",)
    return (
        () if ingestor.version >= 1 else (f"its version is {ingestor.version}, and not 1 or more",)
    )


def _loaded(entry: EntryPoint) -> Ingestor:
    try:
        ingestor = entry.load()()
    except Exception as error:
        raise PluginError(_origin(entry), f"it does not load: {type(error).__name__}") from error
    found = flaws(ingestor)
    if found:
        raise PluginError(_origin(entry), found[0])
    checked: Ingestor = ingestor
    return checked


def _origin(entry: EntryPoint) -> str:
    return f"{entry.name} = {entry.value}"
