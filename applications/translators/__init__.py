"""What `applications/translation.py` rests on: its settings, and asking its exports."""
