"""Honest judges: classification scores, sample quality, and intervals over seeds."""
