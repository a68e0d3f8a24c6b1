"""What is asked of the ledger about prices has the same answer on every database."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, Engine

from metering.books.accounts import bases_by_id, ensure_accounts, ensure_bases
from metering.books.engine import begin_read, begin_write
from metering.books.fx import (
    Converted,
    Foreign,
    add_conversions,
    add_fx_rates,
    converted_totals,
    foreign_postings,
    fx_rates,
    last_posting_id,
)
from metering.books.ledger import NewPosting, add_postings
from metering.books.rate_cards import cards_in_force, store_card
from metering.books.rated_usage import rated_usage
from metering.core.closing.fx import FxRate
from metering.core.ledger import UNATTRIBUTED, Basis, provider_account
from metering.core.pricing.price_coverage import RatedUsage
from metering.core.pricing.rates import CardKind, RateCard
from metering.core.pricing.terms import Measure, Term, TermKind, term_id_of
from tests.support.books_rows import a_run, basis, posting

_FREE = basis(status="zero_rated", meter="web_search")
_RATE = FxRate("EUR", "USD", date(2026, 10, 1), date(2026, 10, 3), "1.25", "ECB")


def _ids(connection: Connection, bases: Sequence[Basis]) -> tuple[int, int, list[int]]:
    provider = provider_account("openai", "default")
    accounts = ensure_accounts(connection, [UNATTRIBUTED, provider])
    found = ensure_bases(connection, bases)
    return accounts[UNATTRIBUTED.name], accounts[provider.name], [found[b.digest] for b in bases]


def test_usage_is_added_up_by_how_it_was_rated(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        debit, credit, (priced, free) = _ids(connection, [basis(), _FREE])
        rows = [
            posting(debit, credit, priced, charge_day="2026-10-02", quantity=7),
            posting(debit, credit, priced, charge_day="2026-10-02", quantity=5),
            posting(debit, credit, free, charge_day="2026-10-02", quantity=3),
            posting(debit, credit, priced, charge_day="2026-10-03", quantity=9),
            posting(debit, credit, priced, charge_day="2026-10-03", quantity=-9),
            posting(debit, credit, priced, charge_day="2026-11-01", quantity=1),
        ]
        add_postings(connection, a_run(connection, "post"), rows)

        found = rated_usage(connection, "2026-10-01", "2026-10-31")

    meter = basis().meter
    assert found == tuple(
        sorted(
            [
                RatedUsage("2026-10-02", "openai", meter, "priced", "", 1, 12),
                RatedUsage("2026-10-02", "openai", "web_search", "zero_rated", "", 1, 3),
            ]
        )
    )


def test_bases_come_back_as_they_were_kept(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        _, _, ids = _ids(connection, [basis(), _FREE])

        assert bases_by_id(connection, ids) == dict(zip(ids, [basis(), _FREE], strict=True))


def test_a_foreign_posting_is_converted_once(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        debit, credit, (priced,) = _ids(connection, [basis()])

        def euros(nanos: int) -> NewPosting:
            return posting(debit, credit, priced, currency="EUR", amount_nanos=nanos)

        run_id = a_run(connection, "post")
        add_postings(connection, run_id, [euros(8), posting(debit, credit, priced)])
        before = last_posting_id(connection)
        add_postings(connection, run_id, [euros(-4)])
        add_fx_rates(connection, run_id, [_RATE])
        waiting = tuple(foreign_postings(connection, "USD"))
        latest = tuple(foreign_postings(connection, "USD", after=before))
        pinned = [(one.posting_id, _RATE, _RATE.convert(one.amount_nanos)) for one in waiting]
        add_conversions(connection, pinned)

    with begin_read(any_books) as connection:
        assert [one.amount_nanos for one in waiting] == [8, -4]
        assert latest == (Foreign(before + 1, euros(0).charge_day, "EUR", -4),)
        assert tuple(foreign_postings(connection, "USD")) == ()
        assert converted_totals(connection, "USD") == (Converted(euros(0).period, "EUR", 4, 5),)
        assert fx_rates(connection) == (_RATE,)


def test_terms_come_back_as_they_were_kept(any_books: Engine) -> None:
    term = Term(
        term_id="",
        kind=TermKind.VOLUME_TIER,
        name="volume",
        provider="openai",
        models=("m", "n"),
        meters=("*tokens",),
        measure=Measure.UNITS,
        lo=1,
        hi=10**15,
        whole_period=True,
        factor_num=19,
        factor_den=20,
    )
    card = RateCard("contract", CardKind.CONTRACT, "USD", terms=(term,))

    with begin_write(any_books) as connection:
        store_card(connection, a_run(connection), card)
        (kept,) = cards_in_force(connection)

    assert kept.terms == (term,)
    assert term_id_of(kept.terms[0]) == term_id_of(term)
