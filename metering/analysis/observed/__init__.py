"""What is looked at: cost objects by days, and what a reviewer knows of those days."""
