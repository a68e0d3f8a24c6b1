"""Take in usage: pull, recognise, record once, refuse with a reason."""
