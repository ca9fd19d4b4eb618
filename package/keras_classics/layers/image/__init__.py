"""Layers of convolutional networks, one file per idea."""
