"""Figures of captions, translations, classes and labellings."""
