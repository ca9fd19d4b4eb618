"""Recurrent networks of every shape: sequences in, sequences out, or one end of them."""
