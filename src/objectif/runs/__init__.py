"""Runs: the verdict of a race, its tables, and the folder that keeps it; without torch."""
