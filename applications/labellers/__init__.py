"""The tasks of `applications/labelling.py`."""
