"""The claims of the lectures, a file each, and what came of them in `results/`."""
