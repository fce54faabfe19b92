from __future__ import annotations

import socket
import sys

import pytest

from network.listening_socket import browser_url, create_listening_socket
from runtime_config.launch_error import LaunchError
from tests.waiting import deadline_s


def test_port_zero_takes_a_free_port() -> None:
    with create_listening_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert browser_url(listener) == f"http://127.0.0.1:{port}"


@pytest.mark.skipif(sys.platform != "linux", reason="how options are inherited differs by system")
def test_accepted_connections_inherit_the_options() -> None:
    with create_listening_socket("127.0.0.1", 0) as listener:
        listener.settimeout(deadline_s())
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, 25) == 1024 * 1024  # TCP_NOTSENT_LOWAT
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_a_port_in_use_is_refused_in_words() -> None:
    with create_listening_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(LaunchError, match=rf"Port {port} is in use.*--port"):
            create_listening_socket("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused_in_words() -> None:
    with pytest.raises(LaunchError, match=r"198\.51\.100\.1.*--host"):
        create_listening_socket("198.51.100.1", 0)


def test_an_unknown_name_is_refused_in_words() -> None:
    with pytest.raises(LaunchError, match="no address"):
        create_listening_socket("no such host", 0)


def test_a_port_is_free_again_at_once() -> None:
    with create_listening_socket("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        listener.settimeout(deadline_s())
        client = socket.create_connection(address)
        accepted, _ = listener.accept()
        accepted.close()  # ours closes first, and is left in TIME_WAIT
        client.close()
    create_listening_socket(*address).close()


def test_a_wildcard_address_has_a_url_for_a_browser() -> None:
    with create_listening_socket("0.0.0.0", 0) as listener:
        assert browser_url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 on this machine")
class TestIPv6:
    def test_loopback(self) -> None:
        with create_listening_socket("::1", 0) as listener:
            assert browser_url(listener) == f"http://[::1]:{listener.getsockname()[1]}"

    def test_the_wildcard_listens_on_both_families(self) -> None:
        with create_listening_socket("::", 0) as listener:
            port = listener.getsockname()[1]
            assert browser_url(listener) == f"http://127.0.0.1:{port}"
            for host in ("127.0.0.1", "::1"):
                socket.create_connection((host, port)).close()
