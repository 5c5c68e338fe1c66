"""Every change to the library, made by the engine process alone.

`writer` owns the connection and its transactions; the modules beside it are its larger jobs. May
import `read`. Begin with `writer`.
"""
