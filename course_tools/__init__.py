"""The command `course`: what runs, sweeps, builds and publishes the lessons."""
