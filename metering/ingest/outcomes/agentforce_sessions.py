"""Sessions of Agentforce agents, out of session tracing in Data 360.

A session that began is an attempt; one that ended without being handed to a person is completed, as
the agent says. Most orgs do not say how a session ended, so that nothing here is validated: a
system of tickets or the customer has to confirm it. Previews of whoever builds the agent are passed
over. No message is read, nor whose session it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind, Stage
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import salesforce_wallet_names as salesforce
from metering.ingest.marks import by_columns
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.tables import read_table

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KIND: Final = "agent_session"
_END: Final = "endtimestamp"
_END_TYPE: Final = "aiagentsessionendtype"
_CHANNEL: Final = "aiagentchanneltype"
_REQUIRED: Final = ("id", "starttimestamp", _END, _END_TYPE)
_NO_VALUE: Final = "NOT_SET"
_HANDED_OVER: Final = ("escalat", "transfer")
_PREVIEW: Final = "builder"


class AgentforceSessions:
    """One or two rows per session: that it began, and that the agent completed it."""

    name = "agentforce-sessions"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = "agentforce"
    kinds: tuple[OutcomeKind, ...] = (
        OutcomeKind(_KIND, Stage.COMPLETED, settles_after_days=7, reversed_by="nothing"),
    )
    describes = "Agentforce session tracing: sessions begun and completed by an agent (CSV)"
    export = "Data 360 query of ssot__AiAgentSession__dlm, as CSV"
    cannot_tell = "whether what the customer wanted was done; in most orgs how a session ended"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns, however the org spells them."""
        return by_columns(sample, _REQUIRED, spelling=salesforce.spelling)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the stages that each session has reached, in file order."""
        table = read_table(path, reader, _REQUIRED, {}, _spelled)
        live = [row for row in table.rows if not _is_preview(row)]
        noise = {
            "in a preview of its builder": len(table.rows) - len(live),
            "empty line": table.empty_lines,
        }
        yield from outcomes_of(live, _stages, refused=table.refused, noise=noise)


def _spelled(header: Sequence[str]) -> Sequence[str]:
    return [salesforce.spelling(name) for name in header]


def _is_preview(row: Row) -> bool:
    channel = row.member(_CHANNEL)
    return isinstance(channel, str) and channel.lower().startswith(_PREVIEW)


def _stages(row: Row) -> Sequence[Mapping[str, object]]:
    session = row.fields
    name = session.text("id")
    shared = {
        "outcome_id": name,
        "kind": _KIND,
        "session": name,
        "queue": session.text_if_any("aiagentapiname"),
    }
    began = {
        **shared,
        "stage": Stage.ATTEMPTED.value,
        "instant": session.instant("starttimestamp"),
    }
    ended = session.text_if_any(_END)
    how = (session.text_if_any(_END_TYPE) or _NO_VALUE).lower()
    if ended in (None, _NO_VALUE) or any(word in how for word in _HANDED_OVER):
        return [began]
    return [
        began,
        {**shared, "stage": Stage.COMPLETED.value, "instant": session.instant(_END)},
    ]
