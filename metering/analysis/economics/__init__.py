"""What AI spend buys: one function per analysis, each a formula with its source.

`questions` says which of them, or of the detectors, answers each question finance asks. Money is
exact: whole nanos where it adds up, fractions where it is a price. A figure that cannot be told is
None and never zero.
"""
