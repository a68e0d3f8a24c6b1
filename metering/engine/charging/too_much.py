"""What no book can hold: a charge line of more than 64 bits, of units or of nanos."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


class TooMuchError(Exception):
    """A line is more than 64 bits hold: of nanos, some nine billion of a currency.

    Args:
        day: ISO charge day of the largest.
        basis_no: number of its basis.
        quantity: what it sums.
    """

    def __init__(self, day: str, basis_no: int, quantity: int) -> None:
        self.day, self.basis_no, self.quantity = day, basis_no, quantity
        super().__init__(day, basis_no, quantity)


@contextmanager
def refused(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Say of lines that `charges.price_lines` cannot price which of them is too much.

    Args:
        connection: with the tables that it prices: `lines`, `basis_of` and `bases`.

    Raises:
        TooMuchError: a sum is more than 64 bits.
    """
    import duckdb  # noqa: PLC0415 - whoever comes here has opened it

    try:
        yield
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        (largest,) = connection.execute(
            """
            SELECT CAST(l.day AS VARCHAR), b.basis_no, CAST(sum(l.quantity) AS HUGEINT)
            FROM lines l
            JOIN basis_of o USING (key_no, product, ingestor, meter, decision_no)
            JOIN bases b ON b.basis_no = o.basis_no
            GROUP BY ALL
            ORDER BY abs(sum(CAST(l.quantity AS DOUBLE))) * greatest(
                any_value(CAST(b.price AS DOUBLE) / CAST(b.per AS DOUBLE)),
                any_value(CAST(b.list_price AS DOUBLE) / CAST(b.list_per AS DOUBLE)),
                1
            ) DESC, 1, 2
            LIMIT 1
            """
        ).fetchall()
        raise TooMuchError(*largest) from error
