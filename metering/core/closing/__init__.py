"""What a month is closed with: invoices, the tie-out, true-ups, exchange rates and the journal."""
