"""The processes: one that controls, N that serve, and how they speak."""
