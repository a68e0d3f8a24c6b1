"""Counters into usage: increases are added, sums since a start become increases, hour by hour.

A counter is known by its series and counts one kind of tokens. A source may send what it counted
since the last time, or everything since it was started. The second is taken apart by hours:

* what a series counted in an hour is its last sum in the hour, less its last sum before the hour;
* a series that was started in the hour began at 0, and so did one whose sum fell: it was restarted;
* a series that was started earlier, and of which the file holds nothing from before the hour, is
  counted from its first sum in the hour on: what came before stands in the file before, if any.

Every hour of a series is one event, and of two that differ the larger one knows more of the hour:
so files that overlap, or are cut anywhere, add nothing twice. What is lost where a file begins
in the middle of an hour is at most that series' part of the hour; a file that begins with the last
sums of the file before loses nothing.
"""
# ruff: noqa: S608 - our own names and texts; there is nothing to bind

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a counter counts."""

    INPUT = "input"  # without what was cached
    WHOLE_INPUT = "whole"  # with it
    ROUGH_INPUT = "rough-in"  # with it, where nothing better says the same
    OUTPUT = "output"
    ROUGH_OUTPUT = "rough-out"
    READ = "read"
    WRITTEN = "written"
    THOUGHT = "thought"
    COST = "cost"


# The usage column that holds the value of a point until points are put together.
VALUE: Final = "distinct_prompts"
MERGED_NOISE: Final = "points put together with others, standing still, or where counting begins"


def point_id(series: str, kind: str, start: str, at: str, is_sum: str) -> str:
    """Return the event id of a point, which `MERGE` takes apart; each argument is an expression."""
    return (
        f"concat_ws('/', {series}, {kind}, coalesce(nullif({start}, ''), '0'), {at},"
        f" CASE WHEN {is_sum} THEN 'sum' ELSE 'delta' END)"
    )


def _counted(kind: Kind) -> str:
    return f'"of {kind}"'


# What points of one series and time count, by kind.
_PIVOT: Final = ", ".join(
    f"(sum(value) FILTER (kind = '{kind}'))::BIGINT AS {_counted(kind)}" for kind in Kind
)
_CACHED: Final = f"coalesce({_counted(Kind.READ)}, 0) + coalesce({_counted(Kind.WRITTEN)}, 0)"
_ALL_INPUT: Final = f"coalesce({_counted(Kind.WHOLE_INPUT)}, {_counted(Kind.ROUGH_INPUT)})"

MERGE: Final = f"""
    WITH numbered AS (
      SELECT *, row_number() OVER (ORDER BY row_no, event_id) AS nth FROM records
    ), taken_apart AS (
      SELECT nth, string_split(event_id, '/') AS part, {VALUE} AS value FROM numbered
    ), points AS (
      SELECT part[1] AS series, part[2] AS kind, part[3]::BIGINT AS since, part[4]::BIGINT AS taken,
        part[5] AS form, max(value) AS value, min(nth) AS nth
      FROM taken_apart GROUP BY ALL
    ), increases AS (
      SELECT series, since || '/' || taken AS moment, min(nth) AS nth, {_PIVOT}
      FROM points WHERE form = 'delta' GROUP BY ALL
    ), runs AS (
      SELECT *, sum(fell) OVER (PARTITION BY series, kind, since ORDER BY taken) AS run
      FROM (SELECT *, coalesce(value < lag(value) OVER
          (PARTITION BY series, kind, since ORDER BY taken), false)::INT AS fell
        FROM points WHERE form = 'sum')
    ), hours AS (
      SELECT series, kind, since, run, (taken - 1) // {3600 * 10**9} AS hour, min(nth) AS nth,
        min(value) AS first_sum, max(value) AS last_sum
      FROM runs GROUP BY ALL
    ), growth AS (
      SELECT series, hour, kind, nth, last_sum - coalesce(
          lag(last_sum) OVER (PARTITION BY series, kind, since, run ORDER BY hour),
          CASE WHEN run > 0 OR since // {3600 * 10**9} = hour THEN 0 ELSE first_sum END) AS value
      FROM hours
    ), hourly AS (
      SELECT series, hour, min(nth) AS nth, {_PIVOT} FROM growth
      GROUP BY ALL HAVING sum(value) > 0
    ), counted AS (
      SELECT nth, series || '/' || moment AS id, NULL::BIGINT AS hour,
        * EXCLUDE (nth, series, moment) FROM increases
      UNION ALL BY NAME
      SELECT nth, series || '/' || hour || 'h' AS id, hour, * EXCLUDE (nth, series, hour)
      FROM hourly
    )
    SELECT numbered.* EXCLUDE (nth) REPLACE (
      id AS event_id,
      CASE WHEN hour IS NULL THEN "start"
        ELSE make_timestamptz((hour * 3600 * 1000000)::BIGINT) END AS "start",
      CASE WHEN hour IS NULL THEN "end"
        ELSE make_timestamptz(((hour + 1) * 3600 * 1000000)::BIGINT) END AS "end",
      CASE WHEN hour IS NULL THEN grain ELSE 'hour' END AS grain,
      NULL::BIGINT AS {VALUE},
      CASE WHEN {_ALL_INPUT} IS NULL THEN {_counted(Kind.INPUT)}
        WHEN {_CACHED} > {_ALL_INPUT} THEN {_ALL_INPUT}
        ELSE {_ALL_INPUT} - ({_CACHED}) END AS input_uncached,
      {_counted(Kind.READ)} AS cache_read,
      {_counted(Kind.WRITTEN)} AS cache_write_unknown,
      coalesce({_counted(Kind.OUTPUT)}, {_counted(Kind.ROUGH_OUTPUT)}) AS output,
      {_counted(Kind.THOUGHT)} AS reasoning,
      {_counted(Kind.COST)} AS reported_nanos,
      CASE WHEN {_counted(Kind.COST)} IS NOT NULL THEN 'USD' END AS reported_currency,
      CASE WHEN {_counted(Kind.COST)} IS NOT NULL THEN 'estimate' END AS reported_kind)
    FROM numbered JOIN counted USING (nth)"""
