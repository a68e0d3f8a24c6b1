"""From evidence to a short list: what a case is, what it weighs, and who answers for it."""
