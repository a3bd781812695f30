"""The frame of every page: who is there, what they may do, in which language, how to move on."""
