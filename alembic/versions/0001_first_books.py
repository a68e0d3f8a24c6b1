"""The first books: every table, and the triggers that keep their rows."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

# SQLite's STRICT tables know one integer type, and it has 64 bits.
BIG: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# In the order they refer to each other.
TABLES: Final = (
    "account",
    "charge_basis",
    "run",
    "run_seal",
    "sealed_rows",
    "budget_file",
    "cell_file",
    "directory_file",
    "driver",
    "event_file",
    "flat_file",
    "fx_rate",
    "owners_restated",
    "period_event",
    "period_close",
    "accepted_refusal",
    "period_estimate",
    "posting",
    "rate_card",
    "rule_set",
    "sharing",
    "stand_in",
    "source",
    "contract_term",
    "coverage",
    "budget",
    "driver_weight",
    "invoice",
    "lake_file",
    "model_alias",
    "no_effect",
    "outcome_file",
    "directory_row",
    "pool",
    "posting_fx",
    "quarantine",
    "quarantine_owner",
    "rate",
    "rate_modifier",
    "rule",
    "split",
    "invoice_line",
    "invoice_event",
    "lake_retirement",
    "quarantine_resolution",
    "adjustment",
    "adjustment_line",
    "dispute",
    "dispute_event",
    "finding_event",
)

ROWS_STAY: Final = """
    CREATE FUNCTION metering_rows_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '%', TG_ARGV[0];
    END $$
"""

# What makes a closed period closed for everybody: its last event says so.
CLOSED: Final = "posting: its period is closed; post a correction in an open one"
LAST_STATE: Final = """
    SELECT state FROM period_event WHERE period = {period} ORDER BY id DESC LIMIT 1
"""

# One look at the periods of all rows that a statement inserted, since COPY brings many. The lock
# is the one that makes writers take turns (books/engine.py): whoever writes past the program waits
# for a close that is under way, and then sees it.
PERIOD_OPEN: Final = f"""
    CREATE FUNCTION metering_period_open() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared({0x6D65_7465_7269_6E67});
        IF EXISTS (
            SELECT 1 FROM (SELECT DISTINCT period FROM inserted) p
            WHERE ({LAST_STATE.format(period="p.period")}) = 'closed'
        ) THEN
            RAISE EXCEPTION '{CLOSED}';
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("billing_account", sa.Text(), nullable=False),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "charge_basis",
        sa.Column("id", BIG, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("billing_account", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("model_raw", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("rate_ids", sa.Text(), nullable=False),
        sa.Column("unit_price_nanos", BIG, nullable=True),
        sa.Column("per", BIG, nullable=True),
        sa.Column("factor_num", BIG, nullable=False),
        sa.Column("factor_den", BIG, nullable=False),
        sa.Column("list_unit_price_nanos", BIG, nullable=True),
        sa.Column("list_per", BIG, nullable=True),
        sa.Column("list_factor_num", BIG, nullable=False),
        sa.Column("list_factor_den", BIG, nullable=False),
        sa.Column("promoted", sa.Integer(), nullable=False),
        sa.Column("divided_by", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(list_unit_price_nanos IS NULL) = (list_per IS NULL)",
            name=op.f("ck_charge_basis_list_price_has_units"),
        ),
        sa.CheckConstraint(
            "(unit_price_nanos IS NULL) = (per IS NULL)",
            name=op.f("ck_charge_basis_price_has_units"),
        ),
        sa.CheckConstraint(
            "factor_den > 0 AND list_factor_den > 0", name=op.f("ck_charge_basis_factors_divide")
        ),
        sa.CheckConstraint("per > 0 AND list_per > 0", name=op.f("ck_charge_basis_units_positive")),
        sa.CheckConstraint("promoted IN (0, 1)", name=op.f("ck_charge_basis_promoted_is_flag")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charge_basis")),
        sa.UniqueConstraint("digest", name=op.f("uq_charge_basis_digest")),
        sqlite_strict=True,
    )
    op.create_table(
        "run",
        sa.Column("id", BIG, nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sqlite_strict=True,
    )
    op.create_table(
        "run_seal",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_run_seal_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_seal")),
        sa.UniqueConstraint("run_id", name=op.f("uq_run_seal_run_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "sealed_rows",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_seal_id", BIG, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("rows", BIG, nullable=False),
        sa.Column("last_id", BIG, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_seal_id"], ["run_seal.id"], name=op.f("fk_sealed_rows_run_seal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sealed_rows")),
        sa.UniqueConstraint(
            "table_name", "last_id", name=op.f("uq_sealed_rows_table_name_last_id")
        ),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_sealed_rows_run_seal_id"), "sealed_rows", ["run_seal_id"], unique=False
    )
    op.create_table(
        "cell_file",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("recipe", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", BIG, nullable=False),
        sa.Column("cells", BIG, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_cell_file_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cell_file")),
        sa.UniqueConstraint("recipe", name=op.f("uq_cell_file_recipe")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_cell_file_day"), "cell_file", ["day"], unique=False)
    op.create_table(
        "directory_file",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_directory_file_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_file")),
        sa.UniqueConstraint(
            "kind", "scope", "version", name=op.f("uq_directory_file_kind_scope_version")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "flat_file",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_flat_file_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flat_file")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_flat_file_name_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "fx_rate",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=False),
        sa.Column("rate", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_fx_rate_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fx_rate")),
        sa.UniqueConstraint("base", "quote", "day", name=op.f("uq_fx_rate_base_quote_day")),
        sqlite_strict=True,
    )
    op.create_table(
        "period_event",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'estimated', 'closed', 'reopened')",
            name=op.f("ck_period_event_state_known"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_period_event_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period_event")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_period_event_period"), "period_event", ["period"], unique=False)
    op.create_table(
        "owners_restated",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_owners_restated_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners_restated")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_owners_restated_period"), "owners_restated", ["period"], unique=False)
    op.create_table(
        "period_close",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("period_event_id", BIG, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("period_hash", sa.Text(), nullable=False),
        sa.Column("ledger_hash", sa.Text(), nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("postings", BIG, nullable=False),
        sa.Column("totals", sa.Text(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["period_event_id"], ["period_event.id"], name=op.f("fk_period_close_period_event_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_period_close_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period_close")),
        sa.UniqueConstraint("period_event_id", name=op.f("uq_period_close_period_event_id")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_period_close_period"), "period_close", ["period"], unique=False)
    op.create_table(
        "accepted_refusal",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("period_event_id", BIG, nullable=False),
        sa.Column("refusal", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["period_event_id"],
            ["period_event.id"],
            name=op.f("fk_accepted_refusal_period_event_id"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_accepted_refusal_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accepted_refusal")),
        sa.UniqueConstraint(
            "period_event_id", "refusal", name=op.f("uq_accepted_refusal_period_event_id_refusal")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "period_estimate",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("period_event_id", BIG, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("billing_account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("booked_nanos", BIG, nullable=False),
        sa.Column("accrued_nanos", BIG, nullable=False),
        sa.Column("booked_days", BIG, nullable=False),
        sa.Column("missing_days", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["period_event_id"],
            ["period_event.id"],
            name=op.f("fk_period_estimate_period_event_id"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_period_estimate_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period_estimate")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_period_estimate_period_event_id"),
        "period_estimate",
        ["period_event_id"],
        unique=False,
    )
    op.create_table(
        "posting",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("charge_day", sa.Text(), nullable=False),
        sa.Column("debit_account_id", BIG, nullable=False),
        sa.Column("credit_account_id", BIG, nullable=False),
        sa.Column("basis_id", BIG, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("amount_nanos", BIG, nullable=False),
        sa.Column("list_nanos", BIG, nullable=False),
        sa.Column("corrects_period", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "debit_account_id <> credit_account_id", name=op.f("ck_posting_between_two_accounts")
        ),
        sa.CheckConstraint(
            "quantity <> 0 OR amount_nanos <> 0 OR list_nanos <> 0",
            name=op.f("ck_posting_says_something"),
        ),
        sa.ForeignKeyConstraint(
            ["basis_id"], ["charge_basis.id"], name=op.f("fk_posting_basis_id")
        ),
        sa.ForeignKeyConstraint(
            ["credit_account_id"], ["account.id"], name=op.f("fk_posting_credit_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["debit_account_id"], ["account.id"], name=op.f("fk_posting_debit_account_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_posting_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_posting_charge_day"), "posting", ["charge_day"], unique=False)
    op.create_index(op.f("ix_posting_period"), "posting", ["period"], unique=False)
    op.create_table(
        "rate_card",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("complete", sa.Integer(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_version", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.CheckConstraint("complete IN (0, 1)", name=op.f("ck_rate_card_complete_is_flag")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_rate_card_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_card")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_rate_card_name_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "rule_set",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_rule_set_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set")),
        sa.UniqueConstraint("version", name=op.f("uq_rule_set_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "source",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size_bytes", BIG, nullable=False),
        sa.Column("ingestor", sa.Text(), nullable=False),
        sa.Column("ingestor_version", BIG, nullable=False),
        sa.Column("forced", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("billing_account", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Text(), nullable=True),
        sa.Column("last_day", sa.Text(), nullable=True),
        sa.Column("records_in", BIG, nullable=False),
        sa.Column("recorded", BIG, nullable=False),
        sa.Column("already_known", BIG, nullable=False),
        sa.Column("rejected", BIG, nullable=False),
        sa.Column("superseded", BIG, nullable=False),
        sa.Column("noise", sa.Text(), nullable=False),
        sa.CheckConstraint("forced IN (0, 1)", name=op.f("ck_source_forced_is_flag")),
        sa.CheckConstraint(
            "records_in = recorded + already_known + rejected",
            name=op.f("ck_source_receipt_adds_up"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_source_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
        sa.UniqueConstraint(
            "content_sha256",
            "ingestor",
            "billing_account",
            "delivery",
            name=op.f("uq_source_content_sha256_ingestor_billing_account_delivery"),
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_source_run_id"), "source", ["run_id"], unique=False)
    op.create_table(
        "coverage",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("billing_account", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("ingestor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_coverage_run_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_coverage_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coverage")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_coverage_provider_billing_account_day"),
        "coverage",
        ["provider", "billing_account", "day"],
        unique=False,
    )
    op.create_table(
        "invoice",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("source_id", BIG, nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("billing_account", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_nanos", BIG, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_invoice_run_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_invoice_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint(
            "provider",
            "invoice_id",
            "version",
            name=op.f("uq_invoice_provider_invoice_id_version"),
        ),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_invoice_period"), "invoice", ["period"], unique=False)
    op.create_table(
        "lake_file",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("source_id", BIG, nullable=True),
        sa.Column("ingestor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", BIG, nullable=False),
        sa.Column("records", BIG, nullable=False),
        sa.Column("quantity", BIG, nullable=False),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("meters", sa.Text(), nullable=False),
        sa.Column("slice_provider", sa.Text(), nullable=False),
        sa.Column("slice_account", sa.Text(), nullable=False),
        sa.Column("slice_scope", sa.Text(), nullable=False),
        sa.Column("slice_signature", sa.Text(), nullable=False),
        sa.Column("slice_as_of", sa.Text(), nullable=False),
        sa.Column("slice_last_day", sa.Text(), nullable=False),
        sa.Column("slice_edition", BIG, nullable=False),
        sa.Column("content_digest", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(path IS NULL) = (records = 0)", name=op.f("ck_lake_file_without_records_no_file")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_lake_file_run_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_lake_file_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lake_file")),
        sa.UniqueConstraint("path", name=op.f("uq_lake_file_path")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_lake_file_day"), "lake_file", ["day"], unique=False)
    op.create_index(op.f("ix_lake_file_source_id"), "lake_file", ["source_id"], unique=False)
    op.create_table(
        "model_alias",
        sa.Column("id", BIG, nullable=False),
        sa.Column("card_id", BIG, nullable=False),
        sa.Column("alias_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("match_kind", sa.Text(), nullable=False),
        sa.Column("canonical_model", sa.Text(), nullable=False),
        sa.Column("dimensions", sa.Text(), nullable=True),
        sa.Column("effective_from", sa.Text(), nullable=True),
        sa.Column("effective_to", sa.Text(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["rate_card.id"], name=op.f("fk_model_alias_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_alias")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_model_alias_card_id"), "model_alias", ["card_id"], unique=False)
    op.create_table(
        "contract_term",
        sa.Column("id", BIG, nullable=False),
        sa.Column("card_id", BIG, nullable=False),
        sa.Column("term_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("meters", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("lo", BIG, nullable=False),
        sa.Column("hi", BIG, nullable=True),
        sa.Column("whole_period", sa.Integer(), nullable=False),
        sa.Column("factor_num", BIG, nullable=False),
        sa.Column("factor_den", BIG, nullable=False),
        sa.Column("beyond_num", BIG, nullable=False),
        sa.Column("beyond_den", BIG, nullable=False),
        sa.Column("amount_nanos", BIG, nullable=False),
        sa.Column("effective_from", sa.Text(), nullable=True),
        sa.Column("effective_to", sa.Text(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("retrieved_at", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "factor_den > 0 AND beyond_den > 0", name=op.f("ck_contract_term_factors_divide")
        ),
        sa.CheckConstraint("amount_nanos >= 0", name=op.f("ck_contract_term_amount_not_negative")),
        sa.CheckConstraint(
            "whole_period IN (0, 1)", name=op.f("ck_contract_term_whole_period_is_flag")
        ),
        sa.ForeignKeyConstraint(
            ["card_id"], ["rate_card.id"], name=op.f("fk_contract_term_card_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_term")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_contract_term_card_id"), "contract_term", ["card_id"], unique=False)
    op.create_table(
        "no_effect",
        sa.Column("id", BIG, nullable=False),
        sa.Column("card_id", BIG, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("model_match", sa.Text(), nullable=False),
        sa.Column("match_kind", sa.Text(), nullable=False),
        sa.Column("meters", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["card_id"], ["rate_card.id"], name=op.f("fk_no_effect_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_no_effect")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_no_effect_card_id"), "no_effect", ["card_id"], unique=False)
    op.create_table(
        "outcome_file",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("ingestor", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", BIG, nullable=False),
        sa.Column("outcomes", BIG, nullable=False),
        sa.Column("first_day", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.CheckConstraint("outcomes > 0", name=op.f("ck_outcome_file_holds_something")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_outcome_file_run_id")),
        sa.ForeignKeyConstraint(
            ["source_id"], ["source.id"], name=op.f("fk_outcome_file_source_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_file")),
        sa.UniqueConstraint("path", name=op.f("uq_outcome_file_path")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_outcome_file_source_id"), "outcome_file", ["source_id"], unique=False)
    op.create_table(
        "directory_row",
        sa.Column("id", BIG, nullable=False),
        sa.Column("directory_file_id", BIG, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("cells", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["directory_file_id"],
            ["directory_file.id"],
            name=op.f("fk_directory_row_directory_file_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_row")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_directory_row_directory_file_id"),
        "directory_row",
        ["directory_file_id"],
        unique=False,
    )
    op.create_table(
        "posting_fx",
        sa.Column("id", BIG, nullable=False),
        sa.Column("posting_id", BIG, nullable=False),
        sa.Column("fx_rate_id", BIG, nullable=False),
        sa.Column("converted_nanos", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["posting_id"], ["posting.id"], name=op.f("fk_posting_fx_posting_id")
        ),
        sa.ForeignKeyConstraint(
            ["fx_rate_id"], ["fx_rate.id"], name=op.f("fk_posting_fx_fx_rate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting_fx")),
        sa.UniqueConstraint(
            "posting_id", "fx_rate_id", name=op.f("uq_posting_fx_posting_id_fx_rate_id")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "quarantine",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("source_id", BIG, nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("found", sa.Text(), nullable=False),
        sa.Column("expected", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_quarantine_run_id")),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_quarantine_source_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_quarantine_source_id"), "quarantine", ["source_id"], unique=False)
    op.create_table(
        "quarantine_owner",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("quarantine_id", BIG, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["quarantine_id"], ["quarantine.id"], name=op.f("fk_quarantine_owner_quarantine_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_quarantine_owner_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine_owner")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_quarantine_owner_quarantine_id"),
        "quarantine_owner",
        ["quarantine_id"],
        unique=False,
    )
    op.create_table(
        "rate",
        sa.Column("id", BIG, nullable=False),
        sa.Column("card_id", BIG, nullable=False),
        sa.Column("rate_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("model_match", sa.Text(), nullable=False),
        sa.Column("match_kind", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("price_nanos", BIG, nullable=False),
        sa.Column("per", BIG, nullable=False),
        sa.Column("effective_from", sa.Text(), nullable=True),
        sa.Column("effective_to", sa.Text(), nullable=True),
        sa.Column("guaranteed_until", sa.Text(), nullable=True),
        sa.Column("tier_lo", BIG, nullable=True),
        sa.Column("tier_hi", BIG, nullable=True),
        sa.Column("conditions", sa.Text(), nullable=True),
        sa.Column("window", sa.Text(), nullable=True),
        sa.Column("min_qty_per_event", BIG, nullable=False),
        sa.Column("qty_step", BIG, nullable=False),
        sa.Column("allowance_units", BIG, nullable=False),
        sa.Column("allowance_period", sa.Text(), nullable=False),
        sa.Column("allowance_scope", sa.Text(), nullable=False),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("retrieved_at", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("per > 0 AND qty_step > 0", name=op.f("ck_rate_units_positive")),
        sa.CheckConstraint("price_nanos >= 0", name=op.f("ck_rate_price_not_negative")),
        sa.ForeignKeyConstraint(["card_id"], ["rate_card.id"], name=op.f("fk_rate_card_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_rate_card_id"), "rate", ["card_id"], unique=False)
    op.create_table(
        "rate_modifier",
        sa.Column("id", BIG, nullable=False),
        sa.Column("card_id", BIG, nullable=False),
        sa.Column("modifier_id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("model_match", sa.Text(), nullable=False),
        sa.Column("match_kind", sa.Text(), nullable=False),
        sa.Column("meters", sa.Text(), nullable=False),
        sa.Column("factor_num", BIG, nullable=False),
        sa.Column("factor_den", BIG, nullable=False),
        sa.Column("conditions", sa.Text(), nullable=True),
        sa.Column("effective_from", sa.Text(), nullable=True),
        sa.Column("effective_to", sa.Text(), nullable=True),
        sa.Column("stack_group", sa.Text(), nullable=False),
        sa.Column("list_as_of", sa.Text(), nullable=True),
        sa.Column("source_url", sa.Text(), nullable=False),
        sa.Column("retrieved_at", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint("factor_den > 0", name=op.f("ck_rate_modifier_factor_divides")),
        sa.ForeignKeyConstraint(
            ["card_id"], ["rate_card.id"], name=op.f("fk_rate_modifier_card_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_modifier")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_rate_modifier_card_id"), "rate_modifier", ["card_id"], unique=False)
    op.create_table(
        "rule",
        sa.Column("id", BIG, nullable=False),
        sa.Column("rule_set_id", BIG, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("match", sa.Text(), nullable=False),
        sa.Column("assign", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["rule_set_id"], ["rule_set.id"], name=op.f("fk_rule_rule_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
        sa.UniqueConstraint("rule_set_id", "position", name=op.f("uq_rule_rule_set_id_position")),
        sqlite_strict=True,
    )
    op.create_table(
        "budget_file",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_budget_file_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_file")),
        sa.UniqueConstraint("version", name=op.f("uq_budget_file_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "budget",
        sa.Column("id", BIG, nullable=False),
        sa.Column("budget_file_id", BIG, nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("first_period", sa.Text(), nullable=False),
        sa.Column("last_period", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_nanos", BIG, nullable=False),
        sa.CheckConstraint("amount_nanos >= 0", name=op.f("ck_budget_amount_not_negative")),
        sa.ForeignKeyConstraint(
            ["budget_file_id"], ["budget_file.id"], name=op.f("fk_budget_budget_file_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_budget_budget_file_id"), "budget", ["budget_file_id"])
    op.create_table(
        "sharing",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_sharing_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing")),
        sa.UniqueConstraint("version", name=op.f("uq_sharing_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "pool",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sharing_id", BIG, nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("matches", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["sharing_id"], ["sharing.id"], name=op.f("fk_pool_sharing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pool")),
        sa.UniqueConstraint("sharing_id", "name", name=op.f("uq_pool_sharing_id_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "split",
        sa.Column("id", BIG, nullable=False),
        sa.Column("sharing_id", BIG, nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("measured_by", sa.Text(), nullable=False),
        sa.Column("targets", sa.Text(), nullable=False),
        sa.Column("driver", sa.Text(), nullable=False),
        sa.Column("markup_millionths", BIG, nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["sharing_id"], ["sharing.id"], name=op.f("fk_split_sharing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_split")),
        sa.UniqueConstraint("sharing_id", "name", name=op.f("uq_split_sharing_id_name")),
        sqlite_strict=True,
    )
    op.create_table(
        "driver",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_driver_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_driver")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_driver_name_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "driver_weight",
        sa.Column("id", BIG, nullable=False),
        sa.Column("driver_id", BIG, nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("weight", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["driver_id"], ["driver.id"], name=op.f("fk_driver_weight_driver_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_driver_weight")),
        sa.UniqueConstraint(
            "driver_id", "period", "target", name=op.f("uq_driver_weight_driver_id_period_target")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "invoice_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("invoice_row_id", BIG, nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount_nanos", BIG, nullable=False),
        sa.Column("booking_currency", sa.Text(), nullable=True),
        sa.Column("booking_amount_nanos", BIG, nullable=True),
        sa.Column("fx_rate", sa.Text(), nullable=True),
        sa.Column("fx_date", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "category IN ('usage', 'tax', 'credit', 'discount', 'seats', 'commitment',"
            " 'rounding', 'fee', 'other')",
            name=op.f("ck_invoice_line_category_known"),
        ),
        sa.CheckConstraint(
            "(booking_currency IS NULL) = (booking_amount_nanos IS NULL)",
            name=op.f("ck_invoice_line_booking_amount_has_currency"),
        ),
        sa.ForeignKeyConstraint(
            ["invoice_row_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_row_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_line")),
        sa.UniqueConstraint(
            "invoice_row_id", "line", name=op.f("uq_invoice_line_invoice_row_id_line")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "invoice_event",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("invoice_row_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('cancelled', 'in-force')", name=op.f("ck_invoice_event_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_row_id"], ["invoice.id"], name=op.f("fk_invoice_event_invoice_row_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_invoice_event_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_event")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_invoice_event_invoice_row_id"), "invoice_event", ["invoice_row_id"])
    op.create_table(
        "lake_retirement",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("lake_file_id", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lake_file_id"], ["lake_file.id"], name=op.f("fk_lake_retirement_lake_file_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_lake_retirement_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lake_retirement")),
        sa.UniqueConstraint("lake_file_id", name=op.f("uq_lake_retirement_lake_file_id")),
        sqlite_strict=True,
    )
    op.create_table(
        "quarantine_resolution",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("quarantine_id", BIG, nullable=False),
        sa.Column("resolution", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["quarantine_id"],
            ["quarantine.id"],
            name=op.f("fk_quarantine_resolution_quarantine_id"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_quarantine_resolution_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine_resolution")),
        sa.UniqueConstraint("quarantine_id", name=op.f("uq_quarantine_resolution_quarantine_id")),
        sqlite_strict=True,
    )
    adjustments()
    if op.get_context().dialect.name == "postgresql":
        op.execute(ROWS_STAY)
    for table in TABLES:
        keep_rows(table)
    keep_closed()


def adjustments() -> None:
    """Create what keeps true-ups, disputes and what was said of findings and the calendar."""
    op.create_table(
        "adjustment",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("billing_account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('true-up', 'dispute')", name=op.f("ck_adjustment_kind_known")),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_adjustment_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_adjustment_key"), "adjustment", ["key"])
    op.create_index(op.f("ix_adjustment_period"), "adjustment", ["period"])
    op.create_table(
        "adjustment_line",
        sa.Column("id", BIG, nullable=False),
        sa.Column("adjustment_id", BIG, nullable=False),
        sa.Column("line", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("bearer", sa.Text(), nullable=False),
        sa.Column("bearer_kind", sa.Text(), nullable=False),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("amount_nanos", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["adjustment_id"], ["adjustment.id"], name=op.f("fk_adjustment_line_adjustment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment_line")),
        sa.UniqueConstraint(
            "adjustment_id", "line", name=op.f("uq_adjustment_line_adjustment_id_line")
        ),
        sqlite_strict=True,
    )

    op.create_table(
        "dispute",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_nanos", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("deadline", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_dispute_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_dispute_period"), "dispute", ["period"])
    op.create_table(
        "dispute_event",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("dispute_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'accepted', 'rejected', 'withdrawn')",
            name=op.f("ck_dispute_event_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["dispute_id"], ["dispute.id"], name=op.f("fk_dispute_event_dispute_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_dispute_event_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_event")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_dispute_event_dispute_id"), "dispute_event", ["dispute_id"])
    op.create_table(
        "finding_event",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("p90_nanos", BIG, nullable=False),
        sa.Column("place", BIG, nullable=False),
        sa.Column("seen", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'explained', 'confirmed', 'dismissed', 'fixed')",
            name=op.f("ck_finding_event_state_known"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_finding_event_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_event")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_finding_event_case_id"), "finding_event", ["case_id"])
    op.create_table(
        "event_file",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_event_file_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_file")),
        sa.UniqueConstraint("version", name=op.f("uq_event_file_version")),
        sqlite_strict=True,
    )
    op.create_table(
        "stand_in",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", BIG, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_stand_in_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_in")),
        sa.UniqueConstraint(
            "cost_centre", "team", "project", name=op.f("uq_stand_in_cost_centre_team_project")
        ),
        sa.UniqueConstraint("key", name=op.f("uq_stand_in_key")),
        sqlite_strict=True,
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION metering_rows_stay()")
        op.execute("DROP FUNCTION metering_period_open()")


def keep_rows(table: str) -> None:
    """Refuse to change or delete rows of a table, whoever asks."""
    what = f"{table}: rows are inserted, never changed or deleted"
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_rows_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION metering_rows_stay('{what}')"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{what}'); END"
        )
    # INSERT OR REPLACE deletes without asking the trigger above, unless the connection says so.
    op.execute(
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"
        f" WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"
        f" BEGIN SELECT RAISE(ABORT, '{what}'); END"
    )


def keep_closed() -> None:
    """Refuse postings in a closed period, whoever inserts them."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(PERIOD_OPEN)
        op.execute(
            "CREATE TRIGGER posting_in_open_period AFTER INSERT ON posting"
            " REFERENCING NEW TABLE AS inserted"
            " FOR EACH STATEMENT EXECUTE FUNCTION metering_period_open()"
        )
        return
    op.execute(
        "CREATE TRIGGER posting_in_open_period BEFORE INSERT ON posting"
        f" WHEN ({LAST_STATE.format(period='NEW.period')}) = 'closed'"
        f" BEGIN SELECT RAISE(ABORT, '{CLOSED}'); END"
    )
