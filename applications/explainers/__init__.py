"""What `explain.py` explains."""
