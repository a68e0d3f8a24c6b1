"""Values as sources spell them, checked and exact."""
