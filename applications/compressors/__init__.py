"""What `compress.py` makes and measures."""
