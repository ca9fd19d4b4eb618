"""What `applications/translation.py` rests on: forms of sharing, scoring, asking an export."""
