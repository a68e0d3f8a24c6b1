"""From live usage to postings: what ought to be booked, and the difference appended."""
