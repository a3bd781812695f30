"""What the pages draw: charts with their figures as tables, and text with coloured entities."""
