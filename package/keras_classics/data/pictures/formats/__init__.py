"""How pictures, boxes and masks lie in files, one layout per file."""
