"""The two agents and the engines that supply them."""
