"""Gateway logs of an invented large company, made by DuckDB so that millions take seconds.

The mix is that of real logs: team, project and the models used are properties of a key, people
use few keys. A row of JSON is about 1 KB, most of it metadata that is of no interest.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

KEYS: Final = 1_200
PEOPLE: Final = 5_000
PROJECTS: Final = 400
TEAMS: Final = 50
DAYS: Final = 30

# Models with a rate in the bundled cards throughout September 2026, and their gateway providers.
MODELS: Final = (
    ("openai", "gpt-5.4"),
    ("openai", "gpt-5.4-mini"),
    ("openai", "gpt-5-mini"),
    ("openai", "gpt-5"),
    ("openai", "gpt-5.6-terra"),
    ("openai", "gpt-5.6-luna"),
    ("openai", "gpt-4.1"),
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("openai", "o4-mini"),
    ("anthropic", "claude-opus-5"),
    ("anthropic", "claude-opus-4-6"),
    ("anthropic", "claude-opus-4-5"),
    ("anthropic", "claude-sonnet-5"),
    ("anthropic", "claude-sonnet-4-6"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-3-7-sonnet-20250219"),
    ("gemini", "gemini-2.5-pro"),
    ("gemini", "gemini-2.5-flash"),
    ("gemini", "gemini-2.5-flash-lite"),
    ("deepseek", "deepseek-v4-flash"),
    ("deepseek", "deepseek-v4-pro"),
    ("bedrock", "us.anthropic.claude-sonnet-4-6"),
    ("bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
    ("xai", "grok-4.20-0309"),
    ("groq", "llama-3.3-70b-versatile"),
    ("mistral", "mistral-large-latest"),
    ("mistral", "codestral-latest"),
    ("cohere", "command-a-03-2025"),
)


def requests(connection: "duckdb.DuckDBPyConnection", rows: int, days: int) -> None:
    """Make `requests`: one row per request, its attributes as a gateway knows them."""
    models = ", ".join(f"{{'provider': '{p}', 'model': '{m}'}}" for p, m in MODELS)
    connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW requests AS
        WITH drawn AS (
            SELECT i, CAST(hash(i, 1) % {KEYS} AS BIGINT) AS key_no FROM range({rows}) r(i)
        )
        SELECT i, key_no,
            [{models}][1 + CAST((key_no % 6 * 5 + hash(i, 2) % 5) % {len(MODELS)} AS BIGINT)]
                AS used,
            CAST(hash(i, 3) % 6000 AS BIGINT) AS uncached,
            CAST(hash(i, 4) % 4000 AS BIGINT) AS cached,
            CAST(hash(i, 5) % 900 AS BIGINT) AS output,
            CAST((key_no * 5 + hash(i, 6) % 5) % {PEOPLE} AS BIGINT) AS person_no,
            CAST(key_no % {PROJECTS} AS BIGINT) AS project_no,
            CAST(key_no % {TEAMS} AS BIGINT) AS team_no,
            TIMESTAMP '2026-09-01' + INTERVAL (CAST(hash(i, 7) % {days * 86_400} AS BIGINT)) SECOND
                AS begun
        FROM drawn
    """)


def write_spend_logs(
    connection: "duckdb.DuckDBPyConnection", rows: int, days: int, path: Path
) -> None:
    """Write LiteLLM spend logs of some days as JSON Lines of about 1 KB."""
    requests(connection, rows, days)
    connection.execute(f"""
        COPY (
            SELECT 'chatcmpl-' || md5(CAST(i AS VARCHAR)) AS request_id,
                'acompletion' AS call_type,
                sha256('key' || key_no) AS api_key,
                0.00594 AS spend,
                uncached + cached + output AS total_tokens,
                uncached + cached AS prompt_tokens,
                output AS completion_tokens,
                strftime(begun, '%Y-%m-%d %H:%M:%S.%f') AS "startTime",
                strftime(begun + INTERVAL 4 SECOND, '%Y-%m-%d %H:%M:%S.%f') AS "endTime",
                used.model AS model, used.model AS model_group,
                used.provider AS custom_llm_provider,
                'u-' || person_no AS "user", 'team-' || team_no AS team_id, 'ana' AS end_user,
                'None' AS cache_hit, 'success' AS status, 's-' || (i // 20) AS session_id,
                '["project:P' || project_no || '","User-Agent: claude-cli"]' AS request_tags,
                '{{"user_api_key_alias":"key-' || key_no || '","usage_object":{{"prompt_tokens":'
                    || (uncached + cached) || ',"completion_tokens":' || output
                    || ',"cache_read_input_tokens":' || cached
                    || ',"cache_creation_input_tokens":0}},"model_map_information":"{"x" * 260}"}}'
                    AS metadata
            FROM requests
        ) TO '{path}' (FORMAT json)
    """)


def usage_rows(connection: "duckdb.DuckDBPyConnection", rows: int) -> str:
    """Return a statement that gives the same requests as usage records, in the usage schema."""
    requests(connection, rows, DAYS)
    return """
        SELECT i + 1 AS row_no, CAST(i AS VARCHAR) AS event_id,
            CAST(begun AS TIMESTAMPTZ) AS start, CAST(NULL AS TIMESTAMPTZ) AS "end",
            'request' AS grain,
            CASE used.provider WHEN 'gemini' THEN 'google' WHEN 'bedrock' THEN 'aws'
                ELSE used.provider END AS provider,
            CASE used.provider WHEN 'bedrock' THEN 'bedrock' WHEN 'gemini' THEN 'gemini-api'
                ELSE used.provider || '-api' END AS platform,
            CAST(NULL AS VARCHAR) AS billing_account, 'api' AS product, used.model AS model_raw,
            CAST(NULL AS VARCHAR) AS service_tier, CAST(NULL AS VARCHAR) AS processing,
            CAST(NULL AS VARCHAR) AS speed, CAST(NULL AS VARCHAR) AS region,
            CAST(NULL AS VARCHAR) AS endpoint_scope, CAST(NULL AS VARCHAR) AS context_window,
            uncached + cached AS prompt_tokens, CAST(NULL AS VARCHAR) AS conditions,
            sha256('key' || key_no) AS api_key, 'team-' || team_no AS workspace,
            'u-' || person_no AS principal, 's-' || (i // 20) AS session,
            CAST(NULL AS VARCHAR) AS workflow_key,
            MAP {'project': 'P' || project_no, 'key_alias': 'key-' || key_no} AS tags,
            CAST(1 AS BIGINT) AS requests, CAST(0 AS BIGINT) AS failed_requests,
            CAST(NULL AS BIGINT) AS distinct_prompts,
            uncached AS input_uncached, cached AS cache_read,
            CAST(NULL AS BIGINT) AS cache_write_5m, CAST(NULL AS BIGINT) AS cache_write_30m,
            CAST(NULL AS BIGINT) AS cache_write_1h, CAST(NULL AS BIGINT) AS cache_write_unknown,
            output, CAST(NULL AS MAP(VARCHAR, BIGINT)) AS other_meters,
            CAST(NULL AS BIGINT) AS reasoning, CAST(5940000 AS BIGINT) AS reported_nanos,
            'USD' AS reported_currency, 'estimate' AS reported_kind
        FROM requests
    """


def write_rules(path: Path, count: int = 500) -> None:
    """Write rules over five sets of fields; most of them match little, as rules do."""
    lines = []
    for number in range(count):
        team, project = number % TEAMS, number % PROJECTS
        match number % 5:
            case 0:
                match = f'"tag:project" = "P{project}"'
            case 1:
                match = f'"tag:key_alias" = "glob:key-{number}*"'
            case 2:
                match = f'workspace = "team-{team}", "tag:project" = "re2:P[0-4]?{number % 10}"'
            case 3:
                match = f'principal = "glob:u-{number}?"'
            case _:
                match = f'provider = "openai", workspace = "team-{team}"'
        lines.append(
            f'[[rule]]\nname = "rule {number}"\nmatch = {{ {match} }}\n'
            f'assign = {{ cost_centre = "CC-{team:03d}", team = "team-{team}",'
            f' project = "P{project}" }}\n'
        )
    path.write_text("\n".join(lines), encoding="utf-8")
