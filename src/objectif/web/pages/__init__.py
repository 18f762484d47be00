"""The studio: one page a file, in the frame of frame.py."""
