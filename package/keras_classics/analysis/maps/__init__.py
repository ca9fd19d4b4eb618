"""Class-activation and attribution maps, and whether they are any good."""
