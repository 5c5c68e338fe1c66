"""The engine process itself: the one writer of a library, and the renderers it keeps busy.

`process` owns the rest: `socket_server` hears clients, `spool_server` those of other hosts;
`submissions` and `curation_commands` carry out what they ask, `dispatcher` picks batches for each
`device_worker`, which talks to its renderer through `renderer_client`; `recording` writes down how
it went. The event loop never waits for the disk: the library's writer has a thread
(`writer_thread`).
"""
