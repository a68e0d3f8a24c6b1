"""What many LiteLLM requests have in common, decided once per distinct combination.

Who served a request, what it was labelled, and in which currency and kind it claims a cost.

The rules are those of the spend logs (`litellm_spend_logs`). What the gateway vouches for and what
the caller merely says are kept apart: a caller's tag cannot take the name of one of the gateway's.
"""

from typing import Final

from metering.ingest.bulk.layout import Shared, json_fields, literal

# How LiteLLM spells a provider, and what we call provider and platform. Any other spelling stands
# for itself, on the platform "<spelling>-api".
_PROVIDERS: Final = {
    "openai": ("openai", "openai-api"),
    "text-completion-openai": ("openai", "openai-api"),
    "azure": ("azure", "azure-openai"),
    "azure_text": ("azure", "azure-openai"),
    "anthropic": ("anthropic", "anthropic-api"),
    "anthropic_text": ("anthropic", "anthropic-api"),
    "bedrock": ("aws", "bedrock"),
    "bedrock_converse": ("aws", "bedrock"),
    "gemini": ("google", "gemini-api"),
    "vertex_ai": ("google", "vertex-ai"),
    "vertex_ai_beta": ("google", "vertex-ai"),
    "cohere_chat": ("cohere", "cohere-api"),
    "hosted_vllm": ("own", "own-capacity"),
    "vllm": ("own", "own-capacity"),
    "ollama": ("own", "own-capacity"),
    "ollama_chat": ("own", "own-capacity"),
}
_VERTEX: Final = "vertex_ai"  # followed by the maker of the model, e.g. "-anthropic_models"
_ON_VERTEX: Final = f"starts_with(known_provider, '{_VERTEX}')"

# Names of tags that the gateway vouches for; a caller's tag of that name becomes "request.<name>".
_GATEWAY_TAGS: Final = ("end_user", "gateway_cache_hit", "key_alias", "team_alias")
_GATEWAY_NAMES: Final = ", ".join(literal(tag) for tag in _GATEWAY_TAGS)
# Added by the gateway to every request; names a program, not a purpose.
_USER_AGENT: Final = "User-Agent:"
_WORKFLOW_TAG: Final = "workflow"


def _provider_case(position: int) -> str:
    cases = " ".join(
        f"WHEN {literal(spelling)} THEN {literal(names[position])}"
        for spelling, names in _PROVIDERS.items()
    )
    vertex = literal(("google", "vertex-ai")[position])
    rest = ("known_provider", "known_provider || '-api'")[position]
    return (
        f"CASE known_provider {cases} ELSE CASE WHEN {_ON_VERTEX} THEN {vertex} ELSE {rest} END END"
    )


_MODEL_WITHOUT_PROVIDER: Final = (
    "CASE WHEN NOT contains(model, '/') THEN model"
    " WHEN starts_with(model, known_provider || '/')"
    " THEN substr(model, length(known_provider) + 2)"
    f" WHEN {_ON_VERTEX} AND starts_with(model, '{_VERTEX}/')"
    f" THEN substr(model, {len(_VERTEX) + 2}) ELSE model END"
)

# A tag is "name:value"; one without a colon says that something is so.
_LABEL_NAME: Final = (
    "CASE WHEN strpos(label, ':') > 1 THEN split_part(label, ':', 1) ELSE label END"
)
_LABEL_VALUE: Final = (
    "CASE WHEN strpos(label, ':') > 1 THEN substr(label, strpos(label, ':') + 1) ELSE 'true' END"
)
_ENTRIES: Final = (
    "list_concat("
    "list_filter([{'name': 'end_user', 'value': end_user},"
    " {'name': 'gateway_cache_hit', 'value': from_cache},"
    " {'name': 'key_alias', 'value': key_alias},"
    " {'name': 'team_alias', 'value': team_alias}], lambda entry: entry.value IS NOT NULL),"
    " list_transform(labels, lambda label: {'name':"
    f" CASE WHEN ({_LABEL_NAME}) IN ({_GATEWAY_NAMES}) THEN 'request.' ELSE '' END"
    f" || {_LABEL_NAME}, 'value': {_LABEL_VALUE}}}))"
)
# Two tags of one name are both kept: a rule on either value alone then finds neither, in the open.
_VALUES_OF_ONE_NAME: Final = (
    "list_sort(list_distinct(list_transform("
    "list_filter(entries, lambda entry: entry.name = one), lambda entry: entry.value)))"
)
_TAGS: Final = (
    "CASE WHEN len(entries) > 0 THEN map_from_entries(list_transform("
    "list_sort(list_distinct(list_transform(entries, lambda entry: entry.name))), lambda one:"
    f" {{'name': one, 'value': array_to_string({_VALUES_OF_ONE_NAME}, ',')}})) END"
)

# Who is asked is one of some dozens, and who asks one of some thousands: apart they stay that few.
SHARED: Final = (
    Shared(
        parts={
            "spelt_provider": "custom_llm_provider",
            "model": "model",
            "claims_cost": "CASE WHEN spent_nanos IS NOT NULL THEN 'true' END",
        },
        steps=({"known_provider": "coalesce(spelt_provider, 'unknown')"},),
        columns={
            "provider": _provider_case(0),
            "platform": _provider_case(1),
            "model_raw": _MODEL_WITHOUT_PROVIDER,
            "reported_currency": "CASE WHEN claims_cost IS NOT NULL THEN 'USD' END",
            "reported_kind": "CASE WHEN claims_cost IS NOT NULL THEN 'estimate' END",
        },
    ),
    Shared(
        parts={
            "key": "api_key",
            "team": "team_id",
            "from_cache": "CASE WHEN NOT metered THEN 'true' END",
            "end_user": "end_user",
            "key_alias": "facts.user_api_key_alias",
            "team_alias": "facts.user_api_key_team_alias",
            "workflow": "facts.spend_logs_metadata.workflow",
            "tags_text": "tags_text",
        },
        steps=(
            {
                "labels": (
                    f"list_filter({json_fields('tags_text', ('VARCHAR',))}, lambda label:"
                    f" label <> '' AND NOT starts_with(label, '{_USER_AGENT}'))"
                ),
            },
            {"entries": _ENTRIES},
            {"all_tags": _TAGS},
        ),
        columns={
            "api_key": "key",
            "workspace": "team",
            "workflow_key": f"coalesce(workflow, all_tags['{_WORKFLOW_TAG}'])",
            "tags": "all_tags",
        },
    ),
)
