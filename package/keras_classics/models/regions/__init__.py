"""Detectors: networks that say of regions of a picture what they show."""
