"""Sound: which renditions a source's tracks become, how loud they are, and the filters that make them."""
