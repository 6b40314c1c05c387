"""From channels to one order: fan out, restart, walk, bridge selection, gate, fusion."""
