"""Lines of Claude Code transcripts for tests: what a session says of one answer."""


def answer(number: int, request: int, tokens: int, *, side: bool = False, day: int = 1) -> str:
    """Return the line of one answer, or of one of its snapshots.

    Args:
        number: of the message.
        request: number of the request that it answers.
        tokens: of output; of several snapshots of an answer the largest counts.
        side: it is of a subagent.
        day: of October 2026.
    """
    return (
        f'{{"type":"assistant","uuid":"u","isSidechain":{str(side).lower()},"sessionId":"s",'
        f'"cwd":"/srv/repos/search-ranker","gitBranch":"main","version":"2.1.240",'
        f'"timestamp":"2026-10-{day:02d}T10:00:00.000Z","requestId":"req_{request}",'
        f'"message":{{"id":"msg_{number}","model":"claude-opus-5","usage":{{"input_tokens":5,'
        f'"output_tokens":{tokens},"cache_read_input_tokens":0,"cache_creation_input_tokens":0}}}}}}'
    )
