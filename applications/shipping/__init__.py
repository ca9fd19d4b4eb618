"""What `applications/formats.py` exports."""
