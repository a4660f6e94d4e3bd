"""Orders: what customers bought, from every sales channel, and what became of it."""
