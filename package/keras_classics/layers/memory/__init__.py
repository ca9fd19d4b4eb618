"""Associative memories: recurrent layers that settle near what they remember."""
