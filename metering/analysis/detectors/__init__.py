"""The detectors: pure functions, each with the least data it needs, and a catalogue of them."""
