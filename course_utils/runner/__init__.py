"""What builds, executes and reports the lessons."""
