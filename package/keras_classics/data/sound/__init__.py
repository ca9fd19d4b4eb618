"""Recordings and their features."""
