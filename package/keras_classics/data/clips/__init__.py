"""Moving pictures from files."""
