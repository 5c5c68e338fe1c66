"""An ssh server of the test's own on this machine, and the configuration that reaches it."""

import getpass
import socket
import subprocess
from pathlib import Path

SSHD = Path("/usr/sbin/sshd")


class Sshd:
    """Lets this user in with a fresh key, on a free port."""

    def __init__(self, folder: Path) -> None:
        for key in ("host", "user"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True
            )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = folder / "sshd_config"
        server.write_text(
            f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/host\nPidFile none\n"
            f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\n"
            "PermitRootLogin prohibit-password\nPrintMotd no\nPrintLastLog no\n"
        )
        self.config = folder / "ssh_config"
        self.config.write_text(
            f"Host box\nHostName 127.0.0.1\nPort {port}\nUser {getpass.getuser()}\n"
            f"IdentityFile {folder}/user\nUserKnownHostsFile {folder}/known\n"
            "StrictHostKeyChecking accept-new\nLogLevel ERROR\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in before a login
        self._process = subprocess.Popen(
            [str(SSHD), "-D", "-f", str(server), "-E", str(folder / "log")]
        )

    def answers(self) -> bool:
        """Whether it lets us in by now."""
        return not subprocess.run(["ssh", "-F", self.config, "box", "true"]).returncode

    def drop(self) -> None:
        """Kill every connection without a word; new ones are still let in."""
        subprocess.run(["pkill", "-KILL", "-P", str(self._process.pid)], check=True)

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
