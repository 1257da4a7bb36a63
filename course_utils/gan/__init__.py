"""Generative adversarial networks: one step function a method, and the loop that trains them."""
