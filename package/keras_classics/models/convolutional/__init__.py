"""Image in, classes out: one file per family."""
