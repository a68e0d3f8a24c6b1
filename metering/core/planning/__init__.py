"""What is to come: budgets, and the money that the next postings would move."""
