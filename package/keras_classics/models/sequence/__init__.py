"""Sequences out: an encoder model and a decoder layer put together."""
