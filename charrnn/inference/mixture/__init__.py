"""An n-gram stored beside a network, and the mixture of both."""
