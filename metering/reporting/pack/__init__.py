"""What the chargeback pack says, section by section, before any markup."""
