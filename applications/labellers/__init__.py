"""The tasks of `applications/labelling.py`, one file each; see `labellers.task`."""
