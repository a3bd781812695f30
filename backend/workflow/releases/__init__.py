"""Gold releases: made, verified, compared and written in other formats; one job a file."""
