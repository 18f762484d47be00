"""Learners that answer with a number or an ordered stage, from the picture, from what is known beside it, or both."""
