"""What the detectors look at, summed from a ledger or from a folder of plain files."""
