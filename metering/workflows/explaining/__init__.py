"""From an amount back to rule, rate or agreement, file and line."""
