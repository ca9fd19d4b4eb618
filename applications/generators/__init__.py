"""What `generate.py` trains and draws, task by task."""
