"""Organisations, people, their roles and signing keys; signing in."""
