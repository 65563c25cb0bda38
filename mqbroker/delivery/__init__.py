"""What the broker sends of itself: over HTTP and by mail, to places that may hang, lie, or not be there.

What is to be sent waits in a polled queue of the core, so it survives a restart; a lane takes it from there. All lanes
share the connections that there may be, and none can keep the others from theirs.
"""
