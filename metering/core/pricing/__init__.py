"""Which price holds: dated rates, what a model's name means, conditions, windows and terms."""
