"""Playing saved worlds and input logs again without a client: films, data sets, and whether they come out the same."""
