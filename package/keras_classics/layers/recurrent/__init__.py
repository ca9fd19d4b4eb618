"""Cells, recurrent layers, attention, decoders, one file per idea."""
