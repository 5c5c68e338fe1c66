"""`python -m tests.support.ray_node …`: be a machine of a Ray cluster, as `ray start --block` is.

That would have more of a machine than is needed, and takes 127.0.0.1 for an address that others
cannot have.
"""

import argparse
import signal

BEGUN = "begun"
_STORE_BYTES = 80_000_000


def main() -> None:
    """Start a head or a node, say so, and wait for the end."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--name", required=True)
    arguments.add_argument("--cpus", type=float, required=True)
    arguments.add_argument("--ip", required=True)
    arguments.add_argument("--port", type=int, help="of the head, which this is")
    arguments.add_argument("--address", help="of the cluster that it joins")
    options = arguments.parse_args()
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    found = RayParams(
        node_name=options.name,
        node_ip_address=options.ip,
        num_cpus=options.cpus,
        num_gpus=0,
        object_store_memory=_STORE_BYTES,
        min_worker_port=0,
        max_worker_port=0,
        node_manager_port=0,
        gcs_server_port=options.port,
        gcs_address=options.address,
        redis_address=options.address,
        dashboard_agent_listen_port=None,
        include_dashboard=False,
        include_log_monitor=False,
        no_monitor=True,
    )
    Node(found, head=options.port is not None, shutdown_at_exit=True, spawn_reaper=False)
    print(BEGUN, flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
