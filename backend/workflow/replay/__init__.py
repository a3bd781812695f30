"""The replay lab: strategies tried on gold that is there, by a simulated annotator."""
