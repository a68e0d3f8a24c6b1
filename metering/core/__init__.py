"""Pure policy: standard library only; no I/O, no clock, no randomness."""
