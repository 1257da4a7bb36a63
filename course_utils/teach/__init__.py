"""What a lesson shows and asks: figures, widgets, predictions, exercises, quizzes."""
