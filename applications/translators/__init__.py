"""What `applications/translation.py` rests on: its settings, and the verb `project`."""
