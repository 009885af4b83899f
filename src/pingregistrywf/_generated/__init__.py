"""Generated packages, one for each chart."""
