"""What tests are made with: ledgers, rows, pages, cards, and second opinions."""
