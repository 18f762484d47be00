"""Learners that answer with a number or an ordered stage, from the picture, from what is known beside it, or both.

They stand in this room and not among the models, because their heads are solved by its solver, under losses.
"""
