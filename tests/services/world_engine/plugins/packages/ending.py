"""A package that ends whatever process imports it."""

import os

os._exit(3)
