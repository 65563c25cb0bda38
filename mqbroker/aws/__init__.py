"""Services of AWS on the broker: one HTTP front for both wires, who is calling, and the actions of each service."""
