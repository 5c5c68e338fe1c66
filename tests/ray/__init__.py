"""What needs Ray: renderers on the nodes of a real cluster on this machine."""
