"""The demo market: an empty exchange filled with real data by the same use cases that people call.

The organisations are made up and say so; the data are real and say where they come from. Passwords and keys are
public, so production refuses to start with it (``MINHBACH_DEMO``).
"""
