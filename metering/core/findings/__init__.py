"""What findings and economics are read against: the company's calendar, and its own rules."""
