"""Listings: what is offered, measured, classified, licensed, priced, moderated and found."""
