"""What a trial may do. Knows no web and no database."""
