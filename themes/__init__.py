"""Templates and static files of the UI."""
