"""What the numbers say of every object at once: the main test, and what speaks for and against."""
