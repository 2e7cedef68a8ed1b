"""Recordings (MCAP, ROS bags, PX4 logs): messages on topics, read by the definitions they carry."""
