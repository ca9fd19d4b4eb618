"""What `look_inside.py` finds and tells."""
