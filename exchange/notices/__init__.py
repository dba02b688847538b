"""Telling people what happened and what falls due: in the application, by e-mail, by webhook."""
