"""Embedded worlds: rendered or made, every truth known."""
