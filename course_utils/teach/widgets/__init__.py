"""What a learner plays with: explorers, games, predictions, quizzes, live training, the progress panel."""
