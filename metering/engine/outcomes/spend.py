"""Spend set against outcomes: keyed, project, pending or unattributed.

An outcome on day s answers usage on day t when t <= s <= t + W, W being the window of the project;
days are of UTC. Per row of spend the first that holds decides:

1. keyed: the outcomes of the row's team and project that share one of its keys weigh more than
   nothing in the window, reversals taken off;
2. project: those of its team and project do, whatever their keys;
3. pending: the window reaches past the last day with usage;
4. unattributed, split by what the team's feed says.

The four add up to the spend, to the nano. Source: token-maxing, 3.4.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.engine.charging.detail import DIVIDER
from metering.engine.charging.usage_shares import amounts_by_usage
from metering.engine.given import give_columns, give_table
from metering.engine.outcomes.netting import ACCEPTED
from metering.usage.columns import METER_COLUMNS
from metering.usage.rows import usage_rows

if TYPE_CHECKING:
    import duckdb

SPEND_TYPES: Final = {
    "day": "DATE",
    "team": "VARCHAR",
    "project": "VARCHAR",
    "currency": "VARCHAR",
    "debit": "VARCHAR",
    "basis": "VARCHAR",
    "product": "VARCHAR",
    "quantity": "BIGINT",
    "amount_nanos": "BIGINT",
}
"""What `give_booked` is given of the book: a column each."""


_SHARES_OF_USAGE: Final = """
            SELECT c.line_no, sum(u.quantity) AS share{named}
            FROM lines u
            JOIN basis_of o USING (key_no, product, ingestor, meter, decision_no)
            JOIN bases b ON b.basis_no = o.basis_no AND b.has_rate
            JOIN debit_names d ON d.debit_no = u.owner_no
            JOIN basis_names n ON n.basis_no = o.basis_no
            JOIN booked c ON c.day = u.day AND c.debit = d.debit AND c.basis = n.basis
            GROUP BY ALL"""
# What detail took of a charge has a basis of its own, which stands for a model and a meter.
_SHARES_OF_DETAIL: Final = f"""
            SELECT c.line_no, sum(u.weight) AS share{{named}}
            FROM weighed u
            JOIN detail_models m USING (day, provider, platform, billing_account, model_raw)
            JOIN (
                SELECT DISTINCT part_basis_no, {DIVIDER}, provider, billing_account, model, meter
                FROM part_bases JOIN divisible USING (basis_no)
            ) p ON p.{DIVIDER} = u.{DIVIDER} AND p.provider = u.provider AND p.model = m.model
                AND p.billing_account = u.billing_account AND p.meter = u.meter
            JOIN debit_names d ON d.debit_no = u.owner_no
            JOIN basis_names n ON n.basis_no = p.part_basis_no
            JOIN booked c ON c.day = u.day AND c.debit = d.debit AND c.basis = n.basis
            GROUP BY ALL"""


def give_booked(
    connection: "duckdb.DuckDBPyConnection", columns: Mapping[str, Sequence[object]]
) -> None:
    """Make `booked`: net charges of the book, as SPEND_TYPES; team and project "" if not said."""
    give_columns(connection, "booked_lines", SPEND_TYPES, [columns[name] for name in SPEND_TYPES])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE booked AS"
        " SELECT row_number() OVER () AS line_no, * FROM booked_lines"
    )


def spend_by_keys(
    connection: "duckdb.DuckDBPyConnection",
    debits: Sequence[tuple[int, str]],
    bases: Sequence[tuple[int, str]],
    keys: Mapping[str, str],
    *,
    is_divided: bool = False,
) -> None:
    """Divide each booked charge among the keys of the usage it is for: the table `spend`.

    A charge of one day, bearer and basis is divided in proportion to its quantities, by largest
    remainder, so that its parts add up to it. A charge without usage (a seat, a correction) has
    one part without keys.

    Args:
        connection: with `booked`, and the tables of `engine.charging.charges` for the same days.
        debits: (debit number, account name), of the charges that ought to be booked.
        bases: (basis number, digest).
        keys: kind of key to the column of the cells that `lines` and `weighed` kept.
        is_divided: whether detail divided charges, whose keys are then those of the detail.
    """
    give_table(connection, "debit_names", {"debit_no": "BIGINT", "debit": "VARCHAR"}, debits)
    give_table(connection, "basis_names", {"basis_no": "BIGINT", "basis": "VARCHAR"}, bases)
    named = "".join(f', u."{column}" AS {key}' for key, column in keys.items())
    divided = f"UNION ALL {_SHARES_OF_DETAIL.format(named=named)}" if is_divided else ""
    shares = f"{_SHARES_OF_USAGE.format(named=named)} {divided}"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE spend AS
        SELECT c.day, c.team, c.project, c.currency, c.product, p.* EXCLUDE (line_no, nanos),
            CAST(coalesce(p.nanos, c.amount_nanos) AS BIGINT) AS amount_nanos
        FROM booked c LEFT JOIN ({amounts_by_usage("booked", shares, list(keys))}) p USING (line_no)
        """
    )


def split_spend(
    connection: "duckdb.DuckDBPyConnection",
    keys: Sequence[str],
    windows: Sequence[tuple[str, str, int]],
    last_day: date,
    *,
    by: Sequence[str] = (),
) -> None:
    """Say of all spend which outcomes answer for it: the table `answered`.

    `answered` has team, project, currency, bucket (keyed, project, pending, has-feed,
    feed-silent, no-feed: the last three are unattributed), and amount_nanos.

    Args:
        connection: with `spend` (day, team, project, currency, a column per key, amount_nanos) and
            `outcomes` (`engine.outcomes.netting`).
        keys: the kinds of keys that both have, in any order.
        windows: (team, project, days) of every project that has spend.
        last_day: the last day with usage.
        by: further columns of `spend` that `answered` shall tell apart, such as its day.
    """
    types = {"team": "VARCHAR", "project": "VARCHAR", "days": "INTEGER"}
    give_table(connection, "windows", types, windows)
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE projects AS
        SELECT row_number() OVER (ORDER BY w.team, w.project) AS project_no, w.*,
            f.last_outcome
        FROM windows w LEFT JOIN (
            SELECT team, max(day) AS last_outcome FROM outcomes
            WHERE team <> '' AND weight_e4 > 0 GROUP BY team
        ) f USING (team)
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE accepted AS
        SELECT p.project_no, p.days, o.day, o.weight_e4{_listed(keys, "o.")}
        FROM outcomes o JOIN projects p USING (team, project)
        WHERE o.stage IN {ACCEPTED} AND o.problem IS NULL AND NOT o.is_doubled
            AND (team <> '' OR project <> '')
        """
    )
    connection.execute(_statement(keys, last_day, by))


def _statement(keys: Sequence[str], last_day: date, by: Sequence[str]) -> str:
    stretches = "".join(f"{key}_stretches AS ({_stretches(key)}), " for key in keys)
    joined = "".join(
        f" LEFT JOIN {key}_stretches {key}_s ON {key}_s.project_no = d.project_no"
        f" AND {key}_s.{key} = s.{key} AND s.day BETWEEN {key}_s.first_day AND {key}_s.last_day"
        for key in keys
    )
    keyed = " OR ".join(f"{key}_s.project_no IS NOT NULL" for key in keys) or "false"
    return f"""
        CREATE OR REPLACE TEMP TABLE answered AS
        WITH {stretches}project_stretches AS ({_stretches()}), project_days AS (
            SELECT p.team, p.project, p.project_no, t.day,
                CASE WHEN a.project_no IS NOT NULL THEN 'project'
                    WHEN t.day + p.days > DATE '{last_day}' THEN 'pending'
                    WHEN p.last_outcome IS NULL THEN 'no-feed'
                    WHEN t.day > p.last_outcome THEN 'feed-silent'
                    ELSE 'has-feed' END AS bucket
            FROM projects p CROSS JOIN (SELECT DISTINCT day FROM spend) t
            LEFT JOIN project_stretches a ON a.project_no = p.project_no
                AND t.day BETWEEN a.first_day AND a.last_day
        ), summed AS (
            SELECT d.project_no, s.currency{_listed(by, "s.")},
                CASE WHEN {keyed} THEN 'keyed' ELSE d.bucket END AS bucket,
                sum(s.amount_nanos) AS amount_nanos
            FROM spend s JOIN project_days d USING (team, project, day){joined}
            GROUP BY ALL
        )
        SELECT team, project, currency{_listed(by)}, bucket, amount_nanos
        FROM summed JOIN projects USING (project_no)
    """


def _stretches(key: str = "") -> str:
    """Return the query for the days of usage that outcomes answer for: stretches, none touching.

    Usage on t is answered for while the outcomes of [t, t + W] weigh something. That sum changes
    only where an outcome enters the window, at s - W, and where it leaves it, after s: so it is a
    running total over outcomes alone, however much usage there is.
    """
    what = _listed([key] if key else [])
    known = f" WHERE {key} IS NOT NULL" if key else ""
    return f"""
            WITH changes AS (
                SELECT project_no{what}, day - days AS from_day, weight_e4 FROM accepted{known}
                UNION ALL
                SELECT project_no{what}, day + 1, -weight_e4 FROM accepted{known}
            ), totals AS (
                SELECT project_no{what}, from_day,
                    sum(sum(weight_e4)) OVER (
                        PARTITION BY project_no{what} ORDER BY from_day) > 0 AS answers
                FROM changes GROUP BY project_no{what}, from_day
            ), turns AS (
                SELECT *, lag(answers, 1, false) OVER own AS answered_before
                FROM totals WINDOW own AS (PARTITION BY project_no{what} ORDER BY from_day)
            )
            SELECT project_no{what}, from_day AS first_day,
                lead(from_day) OVER own - 1 AS last_day, answers
            FROM turns WHERE answers <> answered_before
            WINDOW own AS (PARTITION BY project_no{what} ORDER BY from_day)
            QUALIFY answers
        """


def _listed(columns: Sequence[str], table: str = "") -> str:
    return "".join(f", {table}{column}" for column in columns)


def shared_keys(
    connection: "duckdb.DuckDBPyConnection", keys: Sequence[str]
) -> list[tuple[str, str, str, str, str, int, int]]:
    """Return keys on which more days of usage are booked than one outcome may answer for.

    A pipeline, or a ticket that a team books everything on, makes every day keyed whatever came of
    it. One outcome answers for the days of one window; a piece of work is rarely longer.

    Args:
        connection: after `split_spend`.
        keys: the kinds of keys that spend has.

    Returns:
        Rows of (team, project, currency, kind of key, key, days with usage, nanos keyed by it),
        the most money first.
    """
    parts = " UNION ALL ".join(
        f"""
        SELECT s.team, s.project, s.currency, '{key}' AS kind, s.{key} AS value,
            count(DISTINCT s.day) AS days, CAST(sum(s.amount_nanos) AS BIGINT) AS nanos
        FROM spend s JOIN projects p USING (team, project)
        SEMI JOIN accepted a ON a.project_no = p.project_no AND a.{key} = s.{key}
        GROUP BY s.team, s.project, s.currency, s.{key}, p.days
        HAVING count(DISTINCT s.day) > p.days
        """
        for key in keys
    )
    if not keys:
        return []
    return connection.execute(
        f"FROM ({parts}) ORDER BY nanos DESC, team, project, currency, kind, value"
    ).fetchall()


def answers(connection: "duckdb.DuckDBPyConnection") -> list[tuple[str, str, str, str, int]]:
    """Return (team, project, currency, bucket, nanos) of `answered`, sorted."""
    return connection.execute(
        "SELECT team, project, currency, bucket, CAST(amount_nanos AS BIGINT) FROM answered"
        " ORDER BY ALL"
    ).fetchall()


def answers_by_day(
    connection: "duckdb.DuckDBPyConnection",
) -> list[tuple[date, str, str, str, str, str, int]]:
    """Return (day, product, team, project, currency, bucket, nanos) of `answered`, sorted.

    It has to be split by day and product.
    """
    return connection.execute(
        "SELECT day, product, team, project, currency, bucket, CAST(amount_nanos AS BIGINT)"
        " FROM answered ORDER BY ALL"
    ).fetchall()


def tokens_by_debit(
    connection: "duckdb.DuckDBPyConnection", *, is_divided: bool
) -> list[tuple[int, int]]:
    """Return (debit number, tokens) of the owned cells: every disjoint meter of tokens added up.

    Args:
        connection: with the owned cells.
        is_divided: whether detail divided charges, whose tokens are then those of who took them.
    """
    meters = " + ".join(f"coalesce({name}, 0)" for name in METER_COLUMNS)
    moved = f"""
        FROM parts JOIN divisible USING (basis_no)
        WHERE meter IN ({", ".join(f"'{name}'" for name in METER_COLUMNS)})"""
    taken = (
        f" UNION ALL SELECT debit_no, -quantity {moved} UNION ALL SELECT taker, quantity {moved}"
        if is_divided
        else ""
    )
    return connection.execute(
        "SELECT owner_no, CAST(sum(tokens) AS BIGINT)"
        f" FROM (SELECT owner_no, {meters} AS tokens FROM owned {taken})"
        " GROUP BY owner_no HAVING sum(tokens) <> 0 ORDER BY ALL"
    ).fetchall()


def sessions_by_debit(
    connection: "duckdb.DuckDBPyConnection", *, is_divided: bool
) -> list[tuple[int, int]]:
    """Return (debit number, distinct sessions) of cells, owned or of detail, that kept it."""
    detail = " UNION ALL SELECT owner_no, session FROM weighed" if is_divided else ""
    return connection.execute(
        "SELECT owner_no, count(DISTINCT session)"
        f" FROM (SELECT owner_no, session FROM owned {detail}) WHERE session IS NOT NULL"
        " GROUP BY owner_no ORDER BY ALL"
    ).fetchall()


def spend_without_usage(connection: "duckdb.DuckDBPyConnection", keys: Mapping[str, str]) -> None:
    """Make the table `spend` where there are no cells: every booked charge, without keys."""
    none = "".join(f", NULL::VARCHAR AS {key}" for key in keys)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE spend AS"
        f" SELECT day, team, project, currency, product{none}, amount_nanos FROM booked"
    )


def follow_sessions(connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]) -> None:
    """Give spend that names a session and no branch the branch that the session worked on.

    Args:
        connection: with `spend`, which has a session and a branch.
        files: usage files that may know it, such as the transcripts of a coding tool.

    A session that worked on several branches says nothing about any of them.
    """
    if not files:
        return
    connection.execute(
        f"""
        UPDATE spend SET branch = known.branch FROM (
            SELECT session, min(tags['branch']) AS branch
            FROM {usage_rows(files)}
            WHERE session IS NOT NULL AND tags['branch'] IS NOT NULL
            GROUP BY session HAVING count(DISTINCT tags['branch']) = 1
        ) known WHERE spend.session = known.session AND spend.branch IS NULL
        """
    )


def branches_without_ticket(connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """Return the distinct branches of spend that names no ticket."""
    rows = connection.execute(
        "SELECT DISTINCT branch FROM spend WHERE branch IS NOT NULL AND ticket IS NULL ORDER BY ALL"
    ).fetchall()
    return [branch for (branch,) in rows]


def give_tickets(
    connection: "duckdb.DuckDBPyConnection", tickets: Sequence[tuple[str, str]]
) -> None:
    """Give spend without a ticket the one that stands in its branch: (branch, ticket)."""
    types = {"branch": "VARCHAR", "ticket": "VARCHAR"}
    give_table(connection, "tickets", types, tickets)
    connection.execute(
        "UPDATE spend SET ticket = tickets.ticket FROM tickets"
        " WHERE spend.branch = tickets.branch AND spend.ticket IS NULL"
    )
