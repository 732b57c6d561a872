"""Kernels that start with their packages imported: forked from one process that has them.

Importing numpy, pandas, matplotlib and the estimators takes a kernel two of the five seconds that
a short chapter lasts. Here a server imports them once and every kernel is a fork of it, so that
chapters share nothing that a chapter makes. On Windows, which cannot fork, kernels start as ever.
"""

import gc
import multiprocessing
import os
import sys
from typing import Any

# It would compile grammars of addresses for three seconds as jsonschema is imported.
sys.modules.setdefault("rfc3987_syntax", None)
sys.modules.setdefault("debugpy", None)  # which each kernel would load for a tenth of a second
COLLECTED = (50_000, 20, 20)  # new objects until Python looks for garbage, which takes it time
# Of the library only what the extensions of every kernel load: which other modules a chapter loads
# is watched from the start of its kernel.
# nbformat is what myst_nb's glue loads, and compiles grammars for a second.
PRELOADED = """warm_kernels ipykernel.kernelapp IPython.core.interactiveshell matplotlib.pyplot
matplotlib.backends.backend_svg pandas pyarrow.parquet pydantic scipy.optimize scipy.stats yaml
myst_nb nbformat watch_regressions watch_inputs linearmodels statsmodels.stats.multitest
rich.console joblib highspy""".split()


class Kernel:
    """A forked kernel that Jupyter's client handles like one of subprocess."""

    stdin = stdout = stderr = None

    def __init__(self, command: list[str], cwd: str, env: dict[str, str]) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        ready, told = context.Pipe(duplex=False)
        process = context.Process(target=become_kernel, args=(command, cwd, env, told))
        process.start()
        self._process, self.pid = process, process.pid
        self.kill, self.terminate = process.kill, process.terminate
        told.close()
        ready.recv()  # it leads a group of its own: signals to the group must not reach others

    def poll(self) -> int | None:
        """Return the exit code, or None while the kernel runs."""
        return self._process.exitcode

    def wait(self) -> int | None:
        """Wait for the end and return the exit code."""
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel."""
        os.kill(self.pid, number)


def become_kernel(command: list[str], cwd: str, env: dict[str, str], told: Any) -> None:
    """Run a kernel in this process; `command` is what would have started one."""
    from ipykernel.kernelapp import IPKernelApp

    gc.freeze()  # what was imported stays: no collection need look at it again
    gc.set_threshold(*COLLECTED)
    os.setsid()
    told.send(True)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.path[:0] = [one for one in env.get("PYTHONPATH", "").split(os.pathsep) if one]
    import pandas

    # What pandas takes when a kernel imports it; the server is none.
    pandas.set_option("display.max_columns", 20)
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # the server: a kernel ends with it
    IPKernelApp.launch_instance(argv=[*command[command.index("-f") :], parent])


def install() -> None:
    """Have Jupyter's client start kernels so, where the system can fork."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return
    from jupyter_client.provisioning import local_provisioner

    def launch(cmd: list[str], cwd: str | None = None, env: Any = None, **_: Any) -> Kernel:
        return Kernel(cmd, cwd or os.getcwd(), dict(env or os.environ))

    local_provisioner.launch_kernel = launch
