"""What each tab of `applications/demo.py` answers."""
