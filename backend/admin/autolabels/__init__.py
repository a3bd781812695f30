"""The autolabel queue."""
