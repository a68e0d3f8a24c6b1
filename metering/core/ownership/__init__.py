"""Who pays: dated rules, the directory of people and teams, and what is odd about either."""
