"""Widgets: explorers, games, predictions, quizzes, live training, the progress panel."""
