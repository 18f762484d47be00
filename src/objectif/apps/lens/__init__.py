"""Lens: point a phone at a thing and learn what it is, how sure that is, and what to do about it.

The reference application: whoever writes another copies this slice. README.md says which file holds which idea.
"""
