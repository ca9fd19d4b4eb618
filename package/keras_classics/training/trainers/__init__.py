"""Trainings that are more than one loss by one optimizer."""
