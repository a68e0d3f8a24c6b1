"""The ingestors of outcomes: those we ship, of plug-ins, and of mapping files.

They stand apart from those of usage because one file can hold both: what a coding tool reports a
day has tokens for `metering ingest` and pull requests for `metering outcomes ingest`.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from metering.core.outcomes.stages import SystemWords
from metering.errors import SourceError, SourceRef, shown
from metering.ingest.outcomes.agentforce_actions import AgentforceActions
from metering.ingest.outcomes.agentforce_sessions import AgentforceSessions
from metering.ingest.outcomes.claude_code_commits import ClaudeCodeCommits
from metering.ingest.outcomes.contract import OutcomeIngestor, Worded
from metering.ingest.outcomes.git_log import GitLog
from metering.ingest.outcomes.github_deployments import GitHubDeployments
from metering.ingest.outcomes.github_graphql_pull_requests import GitHubGraphQLPullRequests
from metering.ingest.outcomes.github_pull_requests import GitHubPullRequests
from metering.ingest.outcomes.github_rest_pull_requests import GitHubRestPullRequests
from metering.ingest.outcomes.gitlab_merge_requests import GitLabMergeRequests
from metering.ingest.outcomes.jira_issues import JiraIssues
from metering.ingest.outcomes.jira_issues_csv import JiraIssuesCsv
from metering.ingest.outcomes.mapped import mapped_outcomes
from metering.ingest.outcomes.outcome_csv import OutcomeCsv
from metering.ingest.outcomes.servicenow_incidents import ServiceNowIncidents
from metering.ingest.outcomes.zendesk_tickets import ZendeskTickets
from metering.ingest.registry import PluginError, with_plugins

ENTRY_POINT_GROUP: Final = "metering.outcome_ingestors"

BUILT_IN: Final[tuple[OutcomeIngestor, ...]] = (
    GitHubPullRequests(),
    GitHubGraphQLPullRequests(),
    GitHubRestPullRequests(),
    GitLabMergeRequests(),
    GitLog(),
    JiraIssues(),
    JiraIssuesCsv(),
    ServiceNowIncidents(),
    ZendeskTickets(),
    GitHubDeployments(),
    AgentforceActions(),
    AgentforceSessions(),
    ClaudeCodeCommits(),
    OutcomeCsv(),
)


def installed(
    mappings: Path | None = None, systems: Mapping[str, SystemWords] | None = None
) -> tuple[OutcomeIngestor, ...]:
    """Return every ingestor of outcomes: built-in ones, those of plug-ins, those of mapping files.

    Args:
        mappings: the folder of the mapping files; there may be none.
        systems: system of record to how the house has set it up.

    Raises:
        PluginError: a plug-in does not load, is no ingestor of outcomes, or takes a taken name.
        SourceError: `bad-mapping`; a mapping file cannot be read, or takes a name that is taken.
    """
    entries = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name)
    found: list[OutcomeIngestor] = []
    for ingestor in with_plugins(BUILT_IN, entries):
        if not isinstance(ingestor, OutcomeIngestor):
            raise PluginError(ingestor.name, "it is no ingestor of outcomes: it has no kinds")
        words = (systems or {}).get(ingestor.system)
        found.append(ingestor.saying(words) if words and isinstance(ingestor, Worded) else ingestor)
    return with_mapping(found, *(mapped_outcomes(mappings) if mappings else ()))


def with_mapping(
    ingestors: Sequence[OutcomeIngestor], *added: OutcomeIngestor
) -> tuple[OutcomeIngestor, ...]:
    """Return ingestors and those of further mappings.

    Raises:
        SourceError: `bad-mapping`; two have one name.
    """
    names = [ingestor.name for ingestor in (*ingestors, *added)]
    for ingestor in added:
        if names.count(ingestor.name) > 1:
            raise SourceError(
                SourceRef(ingestor.name),
                "bad-mapping",
                f"the name {shown(ingestor.name)} is taken",
                do="give one of the mappings another name",
            )
    return (*ingestors, *added)
