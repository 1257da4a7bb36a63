"""Full runs: the evidence of a lesson, computed in pieces over hours, on this machine or on many."""
