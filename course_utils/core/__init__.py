"""What everything else stands on: errors, seeds, precision, files, processes, and the key of finished work."""
