"""What `applications/detection.py` is made of beside its job."""
