"""Tensors and checkpoints: trains taggers and serves them.

The one thing done here must come before torch is imported anywhere in a process, and this module
is the first of ours to be: torch's threads are to sleep while they wait for each other. By
default they spin, and on a machine that does anything else besides (Label Studio, a training
beside the server) prediction and training become ten to twenty times slower.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
