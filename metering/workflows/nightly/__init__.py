"""What a night has to do, step by step."""
