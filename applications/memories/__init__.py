"""What `applications/recall.py` does without learning."""
