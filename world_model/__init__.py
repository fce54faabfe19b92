"""The built-in neural world model: pictures and controls in, pictures out. Knows nothing of servers."""
