"""The kinds of handles, one module each: what a handle is, what is wrong of it, how it is fetched.

A new kind is a new module here and a line in ``backbones.handles.KINDS``.  Nothing here loads
TensorFlow or OpenVINO before something is fetched.
"""
