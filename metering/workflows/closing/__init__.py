"""The month's end: invoices, tie-out, true-up, disputes, close and journal."""
