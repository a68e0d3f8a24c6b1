"""Provider invoices and cost reports."""
