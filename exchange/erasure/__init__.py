"""Erasing a person: what is known of them goes, what is proved of the market stays. Knows every noun; none knows it."""
