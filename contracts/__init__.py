"""What is signed and proved. Knows no web and no database; a regulator can run it alone."""
