"""The hops of a plan: each node put to the channels, its answers bound into the next."""
