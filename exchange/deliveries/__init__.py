"""What a contract lets its buyer fetch, and every fetch recorded."""
