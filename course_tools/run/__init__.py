"""What executes lessons and reports on them."""
