"""The trusted boundary: where bytes from outside are opened, and nowhere else."""
