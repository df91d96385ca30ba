"""SSH as a way in: one login on a connected socket, and scripts over it."""
