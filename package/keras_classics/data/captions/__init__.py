"""Captioned pictures: their folders, file formats and batches."""
