"""What the pages call things."""
