"""Speed, as ratios measured in one run: the course's loops against the recipe that most scripts on the web follow."""
