"""``python -m nqpf`` is the command ``nqpf``."""

from nqpf.cli import app

if __name__ == "__main__":
    app(prog_name="nqpf")
