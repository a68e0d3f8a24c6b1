"""What the spend bought: stages, rules, feeds and the funnel."""
