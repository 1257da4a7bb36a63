"""What spreads a lesson over a grid, seeds and machines."""
