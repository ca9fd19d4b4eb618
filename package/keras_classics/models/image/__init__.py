"""Builders of networks for pictures and vectors, one file per family."""
