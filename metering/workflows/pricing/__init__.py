"""Prices: take cards and exchange rates into force, look at them, ask what they would do."""
